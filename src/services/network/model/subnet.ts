/** A subnet's attributes checked against each other. Pure; wording and rules are neutron's. */
import { badAttribute, badRequest, gatewayConflictWithAllocationPools, invalidInput } from '../errors.ts'
import { formatAddress, formatPrefix, parseAddress, parsePrefix, type Prefix } from './address.ts'
import { checkPools, defaultPools } from './ipam.ts'

interface PoolText {
  start: string
  end: string
}

/** Gateway and pools of a subnet, checked against the prefix and each other; texts in canonical form. */
export function addressing(
  prefix: Prefix,
  input: { gateway_ip?: string | null; allocation_pools?: readonly PoolText[] },
): { cidr: string; gateway_ip: string | null; pools: string } {
  const { version } = prefix
  const text = input.gateway_ip === undefined ? defaultGateway(prefix) : input.gateway_ip
  const gateway = text === null ? null : parseAddress(text)
  if (gateway === undefined) throw badAttribute('gateway_ip', `'${text}' is not a valid IP address`)
  if (gateway && gateway.version !== version)
    throw invalidInput(`gateway_ip '${text}' does not match the ip_version '${version}'`)
  if (gateway && version === 4 && !isGateway(prefix, gateway.value))
    throw invalidInput('Gateway is not valid on subnet')
  const value = gateway?.value ?? null
  const pools = input.allocation_pools ? checkPools(prefix, input.allocation_pools, null) : defaultPools(prefix, value)
  const show = (at: bigint) => formatAddress(version, at)
  const clash = pools.find((each) => value !== null && value >= each.first && value <= each.last)
  if (clash) throw gatewayConflictWithAllocationPools(show(value!), `${show(clash.first)}-${show(clash.last)}`)
  return {
    cidr: formatPrefix(prefix),
    gateway_ip: value === null ? null : show(value),
    pools: JSON.stringify(pools.map((each) => ({ start: show(each.first), end: show(each.last) }))),
  }
}

const defaultGateway = (prefix: Prefix): string =>
  formatAddress(prefix.version, prefix.first === prefix.last ? prefix.first : prefix.first + 1n)

/** Network and broadcast addresses are nobody's, except in subnets that have no other. */
function isGateway(prefix: Prefix, value: bigint): boolean {
  if (value < prefix.first || value > prefix.last) return false
  return prefix.length > 30 || (value !== prefix.first && value !== prefix.last)
}

const max = { nameservers: 5, routes: 20 }

/** DNS servers and routes, of the right version and not too many. */
export function requireAddresses(
  id: string,
  version: number,
  input: { dns_nameservers?: readonly string[]; host_routes?: readonly { destination: string; nexthop: string }[] },
): void {
  const { dns_nameservers: servers = [], host_routes: routes = [] } = input
  if (servers.length > max.nameservers)
    throw badRequest(
      'DNSNameServersExhausted',
      `Unable to complete operation for ${id}. The number of DNS nameservers exceeds the limit ${max.nameservers}.`,
    )
  for (const server of servers) {
    const address = parseAddress(server)
    if (!address)
      throw badAttribute(
        'dns_nameservers',
        `'${server}' is not a valid nameserver. '${server}' is not a valid IP address`,
      )
    if (servers.indexOf(server) !== servers.lastIndexOf(server))
      throw badAttribute('dns_nameservers', `Duplicate nameserver '${server}'`)
    if (address.version !== version)
      throw invalidInput(`dns_nameserver '${server}' does not match the ip_version '${version}'`)
  }
  if (routes.length > max.routes)
    throw badRequest(
      'HostRoutesExhausted',
      `Unable to complete operation for ${id}. The number of host routes exceeds the limit ${max.routes}.`,
    )
  for (const { destination, nexthop } of routes) {
    const prefix = parsePrefix(destination)
    const hop = parseAddress(nexthop)
    if (!prefix || parseAddress(destination.split('/')[0] ?? '')?.value !== prefix.first)
      throw badAttribute('host_routes', `'${destination}' is not a valid CIDR`)
    if (!hop) throw badAttribute('host_routes', `'${nexthop}' is not a valid IP address`)
    if (prefix.version !== version || hop.version !== version)
      throw invalidInput(`host_routes '${destination},${nexthop}' does not match the ip_version '${version}'`)
    if (routes.filter((each) => each.destination === destination && each.nexthop === nexthop).length > 1)
      throw badAttribute('host_routes', `Duplicate hostroute '${destination},${nexthop}'`)
  }
}

export interface Modes {
  ip_version: number
  enable_dhcp: boolean
  ipv6_ra_mode: string | null
  ipv6_address_mode: string | null
}

/** What DHCP and the IPv6 modes need of a prefix. */
export function requireModes(prefix: Prefix, modes: Modes): void {
  const { ipv6_ra_mode: ra, ipv6_address_mode: address } = modes
  if (modes.enable_dhcp) requireServable(prefix)
  if (modes.ip_version === 4) {
    if (ra !== null) throw invalidInput('ipv6_ra_mode is not valid when ip_version is 4')
    if (address !== null) throw invalidInput('ipv6_address_mode is not valid when ip_version is 4')
    return
  }
  if ((ra !== null || address !== null) && !modes.enable_dhcp)
    throw invalidInput('ipv6_ra_mode or ipv6_address_mode cannot be set when enable_dhcp is set to False')
  if (ra !== null && address !== null && ra !== address)
    throw invalidInput(
      `ipv6_ra_mode set to '${ra}' with ipv6_address_mode set to '${address}' is not valid. If both attributes are set, they must be the same value`,
    )
  if ((address === 'slaac' || address === 'dhcpv6-stateless') && prefix.length !== 64)
    throw invalidInput(
      `Invalid CIDR ${formatPrefix(prefix)} for IPv6 address mode. OpenStack uses the EUI-64 address format, which requires the prefix to be /64`,
    )
}

/** DHCP has nothing to give out there. */
function requireServable(prefix: Prefix) {
  if (prefix.length > (prefix.version === 4 ? 30 : 126))
    throw invalidInput('Subnet has a prefix length that is incompatible with DHCP service enabled')
  const top = prefix.version === 4 ? prefix.first >> 24n : prefix.first >> 120n
  if (prefix.version === 4 ? top >= 224n && top < 240n : top === 255n)
    throw invalidInput('Multicast IP subnet is not supported if enable_dhcp is True')
  if (prefix.version === 4 ? top === 127n : prefix.first === 1n)
    throw invalidInput('Loopback IP subnet is not supported if enable_dhcp is True')
  if (prefix.version === 4 && prefix.first === 0n)
    throw invalidInput("First IP '0.0.0.0' of network is not supported if enable_dhcp is True.")
}
