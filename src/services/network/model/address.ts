/** Addresses and prefixes as numbers: all arithmetic of the IPAM happens on these, strings only at the edges. */
import ipaddr from 'ipaddr.js'

export type IpVersion = 4 | 6

export interface Prefix {
  readonly version: IpVersion
  readonly first: bigint
  readonly last: bigint
  readonly length: number
}

/** Four decimal numbers: `ipaddr.js` would also take `10.1` and `0x0a.1`, which clients of this API never mean. */
const dottedQuad = /^(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}$/

/** Reads an address; undefined when it is none. Zones (`%eth0`) are refused: they mean nothing on another host. */
export function parseAddress(text: string): { version: IpVersion; value: bigint } | undefined {
  const isV6 = text.includes(':')
  if (
    text.includes('%') ||
    (isV6 ? !ipaddr.IPv6.isValid(text) : !dottedQuad.test(text) || !ipaddr.IPv4.isValid(text))
  ) {
    return undefined
  }
  const bytes = isV6 ? ipaddr.IPv6.parse(text).toByteArray() : ipaddr.IPv4.parse(text).toByteArray()
  return { version: isV6 ? 6 : 4, value: bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n) }
}

/** Writes an address in its canonical form (RFC 5952 for IPv6). */
export function formatAddress(version: IpVersion, value: bigint): string {
  const bytes = Array.from({ length: version === 4 ? 4 : 16 }, (_, index, size = version === 4 ? 4 : 16) =>
    Number((value >> BigInt(8 * (size - 1 - index))) & 255n),
  )
  return version === 4 ? bytes.join('.') : new ipaddr.IPv6(bytes).toRFC5952String()
}

/** Reads a CIDR; host bits are cut off, as the API does. Undefined when it is none. */
export function parsePrefix(text: string): Prefix | undefined {
  const [head = '', tail = '', ...more] = text.split('/')
  const address = parseAddress(head)
  if (address === undefined || more.length > 0 || !/^\d{1,3}$/.test(tail)) return undefined
  const bits = address.version === 4 ? 32 : 128
  const length = Number(tail)
  if (length > bits) return undefined
  const size = 1n << BigInt(bits - length)
  const first = (address.value / size) * size
  return { version: address.version, first, last: first + size - 1n, length }
}

/** Of a prefix, or of one address alone. */
export const prefixOf = (text: string): Prefix | undefined =>
  parsePrefix(text) ?? (parseAddress(text) && parsePrefix(`${text}/${text.includes(':') ? 128 : 32}`))

/** Addresses of groups of hosts: 224.0.0.0/4 and ff00::/8. */
export const isMulticast = ({ version, first }: Prefix): boolean =>
  version === 4 ? first >> 28n === 0xen : first >> 120n === 0xffn

export const formatPrefix = (prefix: Prefix): string =>
  `${formatAddress(prefix.version, prefix.first)}/${prefix.length}`

export const overlaps = (a: Prefix, b: Prefix): boolean =>
  a.version === b.version && a.first <= b.last && b.first <= a.last
