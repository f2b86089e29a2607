/**
 * Microversions: a table of named changes. Code asks for a change by name (`version.has('keypair-type')`), never by
 * number; which number a name has is data.
 */

export interface VersionEntry<Name extends string = string> {
  /** `major.minor`, e.g. `2.10`. */
  at: string
  name: Name
  /** One line: what changed for a client. */
  note: string
}

/** The microversion that one request runs at. */
export interface ApiVersion {
  readonly text: string
  readonly number: number
  /** True when the change called `name` is in force. Throws on a name that the service does not have. */
  has(name: string): boolean
}

export interface VersionTable {
  readonly entries: readonly VersionEntry[]
  readonly min: string
  readonly max: string
  /** The version object for `text` ("2.10", "latest"), or undefined when it is not of the table's range or form. */
  parse(text: string): ApiVersion | undefined
  /** Order of a name's version, for `since:`/`until:` of routes. */
  numberOf(name: string): number
}

const toNumber = (text: string): number | undefined => {
  const match = /^(\d{1,3})\.(\d{1,3})$/.exec(text)
  return match ? Number(match[1]) * 1000 + Number(match[2]) : undefined
}

/** Builds the table of a service; several entries may share a number. `max` raises the maximum above the last entry. */
export function defineVersions(entries: readonly VersionEntry[], max?: string): VersionTable {
  const byName = new Map(entries.map((entry) => [entry.name, toNumber(entry.at)!]))
  const first = entries[0]!.at
  const last = max ?? entries.at(-1)!.at
  const low = toNumber(first)!
  const high = toNumber(last)!
  const cache = new Map<number, ApiVersion>()
  const numberOf = (name: string) => {
    const number = byName.get(name)
    if (number === undefined) throw new Error(`versions.ts has no change named '${name}'`)
    return number
  }
  const make = (number: number): ApiVersion => {
    let version = cache.get(number)
    if (!version) {
      const text = `${Math.floor(number / 1000)}.${number % 1000}`
      version = { text, number, has: (name) => number >= numberOf(name) }
      cache.set(number, version) // bounded: only numbers inside the table's range get here
    }
    return version
  }
  return {
    entries,
    min: first,
    max: last,
    parse(text) {
      if (text === 'latest') return make(high)
      const number = toNumber(text)
      return number === undefined || number < low || number > high ? undefined : make(number)
    },
    numberOf,
  }
}

/** For services without microversions: one version whose table has no names. */
export const unversioned: ApiVersion = {
  text: '',
  number: 0,
  has(name) {
    throw new Error(`this service has no microversions, asked for '${name}'`)
  },
}
