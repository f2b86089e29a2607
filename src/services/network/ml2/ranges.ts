/** Reads the range options of the ML2 type drivers. A bad option must stop the start, so these throw plain errors. */
export interface IdRange {
  readonly first: number
  readonly last: number
}

const maxVlan = 4094

/** `vni_ranges`, `tunnel_id_ranges`: `1:1000,2000:2100`. `max` is the protocol's largest identifier. */
export function parseTunnelRanges(text: string, max: number): IdRange[] {
  return entries(text).map((entry) => parseRange(entry, entry, max))
}

/** `network_vlan_ranges`: `physnet1:100:200,physnet2`; a network without range allows vlans by name only. */
export function parseVlanRanges(text: string): Map<string, IdRange[]> {
  const networks = new Map<string, IdRange[]>()
  for (const entry of entries(text)) {
    const [name = '', ...range] = entry.split(':')
    if (name === '') throw new Error(`network_vlan_ranges: '${entry}' names no physical network`)
    const ranges = networks.get(name) ?? []
    networks.set(name, range.length === 0 ? ranges : [...ranges, parseRange(range.join(':'), entry, maxVlan)])
  }
  return networks
}

const entries = (text: string): string[] =>
  text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')

function parseRange(text: string, entry: string, max: number): IdRange {
  const match = /^(\d+):(\d+)$/.exec(text.trim())
  const first = Number(match?.[1])
  const last = Number(match?.[2])
  const isValid = match !== null && first >= 1 && first <= last && last <= max
  if (!isValid) throw new Error(`'${entry}' is no range of identifiers between 1 and ${max}`)
  return { first, last }
}

/** The lowest identifier of the ranges that is not taken; undefined when all are. */
export function firstFreeId(ranges: readonly IdRange[], taken: ReadonlySet<number>): number | undefined {
  for (const { first, last } of ranges) {
    for (let id = first; id <= last; id += 1) if (!taken.has(id)) return id
  }
  return undefined
}
