/** Parts of ports as the API has them. Pure. */
import { badAttribute, badRequest } from '../errors.ts'
import { isMulticast, prefixOf } from './address.ts'
import { isMulticastMac } from './mac.ts'

/** Ports by which routers are in networks that they serve. */
export const isRouterInterface = (owner: string): boolean => owner.startsWith('network:router_interface')

export const isRouterPort = (owner: string): boolean => isRouterInterface(owner) || owner === 'network:router_gateway'

export interface AddressPair {
  ip_address: string
  mac_address?: string
}

export interface DhcpOption {
  opt_name: string
  opt_value: string | null
  ip_version?: number
}

/** Address pairs with the port's own MAC where they name none. Throws 400 on bad and on double ones. */
export function readPairs(pairs: readonly AddressPair[], mac: string): Required<AddressPair>[] {
  const seen = new Set<string>()
  return pairs.map((pair) => {
    const prefix = prefixOf(pair.ip_address)
    if (!prefix)
      throw badAttribute('allowed_address_pairs', `'${pair.ip_address}' is not a valid IP address or IP subnet`)
    if (isMulticast(prefix)) throw badAttribute('allowed_address_pairs', `'${pair.ip_address}' is a multicast address`)
    const whole = { mac_address: pair.mac_address ?? mac, ip_address: pair.ip_address }
    if (isMulticastMac(whole.mac_address))
      throw badAttribute('allowed_address_pairs', `'${whole.mac_address}' is a multicast MAC address`)
    const key = `${whole.mac_address} ${whole.ip_address}`
    if (seen.has(key))
      throw badRequest(
        'DuplicateAddressPairInRequest',
        `Request contains duplicate address pair: mac_address ${whole.mac_address} ip_address ${whole.ip_address}.`,
      )
    seen.add(key)
    return whole
  })
}

/** The options of a port after an update that names some: null takes one away, the others stay. */
export function mergeOptions(old: readonly DhcpOption[], news: readonly DhcpOption[]): Required<DhcpOption>[] {
  const keyOf = (option: DhcpOption) => `${option.opt_name} ${option.ip_version ?? 4}`
  const merged = new Map(old.map((option) => [keyOf(option), option]))
  for (const option of news) {
    if (option.opt_value === null) merged.delete(keyOf(option))
    else merged.set(keyOf(option), option)
  }
  return [...merged.values()].map((option) => ({
    opt_name: option.opt_name,
    opt_value: option.opt_value,
    ip_version: option.ip_version ?? 4,
  }))
}

/** A name that DHCP may carry: neutron's `host-10-0-0-5`. */
export const hostnameOf = (ip: string): string => `host-${ip.replaceAll(/[.:]+/g, '-').replaceAll(/^-|-$/g, '')}`

/** What DHCP and DNS call a port at each of its addresses. */
export function dnsAssignment(name: string, domain: string, ips: readonly string[]) {
  const base = domain.replace(/\.$/, '')
  return ips.map((ip) => {
    const label = name || hostnameOf(ip)
    // A name that has dots is whole already.
    const fqdn = label.endsWith('.') ? label : base === '' ? label : `${label}.${base}.`
    return { ip_address: ip, hostname: label.split('.')[0]!, fqdn }
  })
}
