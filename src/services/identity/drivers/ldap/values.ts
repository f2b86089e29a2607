/** What attributes of entries say, whatever case or type the server writes them in. */
import type { LdapSettings } from './settings.ts'

/** An entry as the library gives it. */
export interface RawEntry {
  readonly dn: string
  readonly [attribute: string]: string | string[] | Buffer | Buffer[]
}

/** All values of an attribute as texts; its name is compared without case. */
export function valuesOf(entry: RawEntry, attribute: string): string[] {
  const wanted = attribute.toLowerCase()
  const key = Object.keys(entry).find((name) => name !== 'dn' && name.toLowerCase() === wanted)
  return key === undefined ? [] : [entry[key] ?? []].flat().map(asText)
}

export const valueOf = (entry: RawEntry, attribute: string): string | undefined => valuesOf(entry, attribute)[0]

/** Active Directory's objectGUID is 16 bytes; it is shown as the UUID that its tools show. */
function asText(value: string | Buffer): string {
  if (typeof value === 'string') return value
  return value.length === 16 ? uuidOf(value) : value.toString('utf8')
}

function uuidOf(bytes: Buffer): string {
  const [a, b, c] = [
    bytes.subarray(0, 4).toReversed(),
    bytes.subarray(4, 6).toReversed(),
    bytes.subarray(6, 8).toReversed(),
  ]
  return [a, b, c, bytes.subarray(8, 10), bytes.subarray(10)].map((part) => Buffer.from(part).toString('hex')).join('-')
}

/** The bytes that a UUID stands for in a filter. */
export function bytesOfUuid(text: string): Buffer | undefined {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return undefined
  const [a, b, c, d, e] = text.split('-').map((part) => Buffer.from(part, 'hex'))
  return Buffer.concat([a!.toReversed(), b!.toReversed(), c!.toReversed(), d!, e!])
}

/** Directories write booleans as text or numbers; whatever does not clearly say yes says no (OSSA-2026-007). */
export function isTrue(text: string): boolean {
  const trimmed = text.trim()
  if (/^[+-]?\d+$/.test(trimmed)) return Number(trimmed) !== 0
  return /^(true|yes|on|y|t)$/i.test(trimmed)
}

type EnabledSettings = Pick<
  LdapSettings,
  'userEnabledAttribute' | 'userEnabledDefault' | 'userEnabledInvert' | 'userEnabledMask' | 'userAttributeIgnore'
>

/** Whether the entry of a user says that he is enabled. */
export function isEnabled(entry: RawEntry, settings: EnabledSettings): boolean {
  if (settings.userAttributeIgnore.includes('enabled')) return true
  const text = valueOf(entry, settings.userEnabledAttribute) ?? settings.userEnabledDefault
  if (settings.userEnabledMask !== 0) {
    // Active Directory: the bits of userAccountControl that disable an account.
    return /^\s*\d+\s*$/.test(text) && (Number(text) & settings.userEnabledMask) !== settings.userEnabledMask
  }
  return isTrue(text) !== settings.userEnabledInvert
}

/** Pairs of `attribute:name`; the names under which further attributes are shown. */
export function additionalOf(entry: RawEntry, mapping: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {}
  for (const item of mapping) {
    const [attribute, name, ...rest] = item.split(':')
    if (!attribute || !name || rest.length > 0) continue
    const value = valueOf(entry, attribute)
    if (value !== undefined) found[name] = value
  }
  return found
}
