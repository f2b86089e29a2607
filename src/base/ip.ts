/**
 * IP address arithmetic. Addresses and networks are text in canonical form (`10.0.0.1`, `fd00::1/64`).
 * Text that is no address is an `InvalidAddress`; shorthand such as `10.1` or `0x7f000001` is refused.
 */
import ipaddr from 'ipaddr.js'

export class InvalidAddress extends Error {
  override name = 'InvalidAddress'
}

export type IpVersion = 4 | 6
/** `address` is the address as written, `network` has the host bits cleared. */
export type Cidr = { version: IpVersion; address: string; network: string; prefix: number }

export const isIpv4 = (text: string) => ipaddr.IPv4.isValidFourPartDecimal(text)
export const isIpv6 = (text: string) => !text.includes('%') && ipaddr.IPv6.isValid(text)

export function ipVersion(address: string): IpVersion {
  if (isIpv4(address)) return 4
  if (isIpv6(address)) return 6
  throw new InvalidAddress(`not an IP address: ${JSON.stringify(address)}`)
}

/** The one way to write this address, so that texts can be compared. */
export function canonicalIp(address: string): string {
  return ipVersion(address) === 4 ? ipaddr.IPv4.parse(address).toString() : ipaddr.IPv6.parse(address).toRFC5952String()
}

/** A plain address counts as a network of one (/32 or /128). */
export function parseCidr(text: string): Cidr {
  const [host = '', length, ...rest] = text.split('/')
  const version = ipVersion(host)
  const widest = version === 4 ? 32 : 128
  const prefix = length === undefined ? widest : Number(length)
  if (rest.length > 0 || (length !== undefined && !/^\d{1,3}$/.test(length)) || prefix > widest) {
    throw new InvalidAddress(`not a network: ${JSON.stringify(text)}`)
  }
  const address = canonicalIp(host)
  const network = canonicalIp(
    (version === 4 ? ipaddr.IPv4 : ipaddr.IPv6).networkAddressFromCIDR(`${address}/${prefix}`).toString(),
  )
  return { version, address, network, prefix }
}

/** Canonical `address/prefix`, keeping the host bits. */
export function canonicalCidr(text: string): string {
  const { address, prefix } = parseCidr(text)
  return `${address}/${prefix}`
}

export function netmaskOf(prefix: number, version: IpVersion = 4): string {
  return version === 4
    ? ipaddr.IPv4.subnetMaskFromPrefixLength(prefix).toString()
    : ipaddr.IPv6.subnetMaskFromPrefixLength(prefix).toRFC5952String()
}

export function isInNetwork(address: string, cidr: string): boolean {
  const { version, network, prefix } = parseCidr(cidr)
  return ipVersion(address) === version && ipaddr.parse(address).match(ipaddr.parse(network), prefix)
}

/** Canonical `aa:bb:cc:dd:ee:ff`; throws `InvalidAddress`. */
export function canonicalMac(text: string): string {
  if (!/^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/.test(text)) {
    throw new InvalidAddress(`not a MAC address: ${JSON.stringify(text)}`)
  }
  return text.toLowerCase()
}
