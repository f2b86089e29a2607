/** What dnsmasq shall answer for a network. Pure. */
import {
  renderOptions,
  type DhcpHost,
  type DhcpOption,
  type DhcpRange,
  type DnsHost,
  type RawDhcpOption,
} from '../../../host/dnsmasq.ts'
import { isInNetwork, isIpv6, parseCidr } from '../../../base/ip.ts'
import type { HostDhcp } from '../rpc/host-state.ts'

const metadataAddress = '169.254.169.254'
const leaseSeconds = 86_400
type Subnet = HostDhcp['subnets'][number]

const subnetTag = (subnet: Subnet) => `subnet-${subnet.id}`
const portTag = (portId: string) => `port-${portId}`

export const servedSubnets = (dhcp: HostDhcp): Subnet[] =>
  dhcp.subnets.filter((subnet) => subnet.enableDhcp && (subnet.ipVersion === 4 || subnet.ipv6AddressMode !== 'slaac'))

export function dhcpRanges(dhcp: HostDhcp): DhcpRange[] {
  return servedSubnets(dhcp).map((subnet) => ({
    tag: subnetTag(subnet),
    cidr: subnet.cidr,
    mode: 'static',
    leaseSeconds,
  }))
}

/** Hosts with an address that DHCP gives. */
export function dhcpHosts(dhcp: HostDhcp): DhcpHost[] {
  const stateful = new Set(
    servedSubnets(dhcp)
      // A subnet of IPv6 without a mode is given out like a stateful one, by neutron too.
      .filter(({ ipVersion, ipv6AddressMode }) => ipVersion === 4 || ipv6AddressMode !== 'dhcpv6-stateless')
      .map(({ id }) => id),
  )
  return dhcp.hosts.flatMap(({ portId, mac, addresses, hostname, extraOptions }) => {
    const ips = addresses.filter(({ subnetId }) => stateful.has(subnetId)).map(({ ip }) => ip)
    if (ips.length === 0) return []
    const tags = extraOptions.length > 0 ? [portTag(portId)] : []
    return [{ mac, addresses: ips, tags, ...(hostname === '' ? {} : { hostname }) }]
  })
}

export function dnsHosts({ hosts, dnsDomain }: HostDhcp): DnsHost[] {
  const domain = domainOf(dnsDomain)
  return hosts
    .filter(({ hostname }) => hostname !== '')
    .flatMap(({ hostname, addresses }) =>
      addresses.map(({ ip }) => ({
        address: ip,
        names: domain === undefined ? [hostname] : [`${hostname}.${domain}`, hostname],
      })),
    )
}

export function domainOf(text: string): string | undefined {
  const domain = text.replace(/\.$/, '')
  return domain === '' ? undefined : domain
}

export interface OptionProblem {
  portId: string
  message: string
}

type AnyOption = DhcpOption | RawDhcpOption

/** The options that can be written, and those of ports that cannot. */
export function dhcpOptions(dhcp: HostDhcp): { options: AnyOption[]; problems: OptionProblem[] } {
  const problems: OptionProblem[] = []
  const options = [
    ...servedSubnets(dhcp).flatMap((subnet) => subnetOptions(dhcp, subnet)),
    ...extraOptions(dhcp, (portId, error) => problems.push({ portId, message: String(error) })),
  ]
  return { options, problems }
}

function subnetOptions(dhcp: HostDhcp, subnet: Subnet): DhcpOption[] {
  const version = subnet.ipVersion === 6 ? 6 : 4
  const tag = subnetTag(subnet)
  const own = ownAddress(dhcp, subnet)
  const dns = nameServers(subnet, own).map((values): DhcpOption => ({ tag, version, option: 'dns-server', values }))
  // DHCPv4 gives the domain by dnsmasq's own setting, which clients of DHCPv6 do not hear.
  const domain = domainOf(dhcp.dnsDomain)
  if (version === 6)
    return domain === undefined ? dns : [...dns, { tag, version, option: 'domain-search', values: [domain] }]
  const gateway = wayOut(subnet)
  const router: DhcpOption = { tag, version, option: 'router', values: gateway === undefined ? [] : [gateway] }
  const routes = classlessRoutes(dhcp, subnet, own)
  // Clients that take classless routes ignore `router`, and some old ones know only Microsoft's number for them.
  const classless: DhcpOption[] =
    routes.length === 0
      ? []
      : [
          { tag, version, option: 'classless-static-route', values: routes },
          { tag, version, option: 249, values: routes },
        ]
  return [...dns, router, ...classless]
}

/** The subnet's own servers, else this one; none at all where the only one is the unspecified address. */
function nameServers({ dnsNameservers }: Subnet, own: string | undefined): string[][] {
  const isNone = dnsNameservers.length === 1 && ['0.0.0.0', '::'].includes(dnsNameservers[0]!)
  if (isNone) return [[]]
  if (dnsNameservers.length > 0) return [dnsNameservers]
  return own === undefined ? [] : [[own]]
}

const everywhere = '0.0.0.0/0'

/** The gateway, else where a route to everywhere leads. */
const wayOut = ({ gatewayIp, hostRoutes }: Subnet): string | undefined =>
  gatewayIp ?? hostRoutes.find(({ destination }) => destination === everywhere)?.nexthop

function classlessRoutes(dhcp: HostDhcp, subnet: Subnet, own: string | undefined): string[] {
  const gateway = wayOut(subnet)
  const metadataVia = subnet.isRouted ? gateway : own
  const given = subnet.hostRoutes.filter(({ destination }) => destination !== everywhere)
  const hasMetadata = given.some(({ destination }) => destination === `${metadataAddress}/32`)
  // Other subnets of the network are on the same link.
  const neighbours = dhcp.subnets.filter(({ ipVersion, id }) => ipVersion === 4 && id !== subnet.id)
  const routes = [
    ...neighbours.flatMap(({ cidr }) => [cidr, '0.0.0.0']),
    ...given.flatMap(({ destination, nexthop }) => [destination, nexthop]),
    ...(metadataVia === undefined || hasMetadata ? [] : [`${metadataAddress}/32`, metadataVia]),
  ]
  return routes.length === 0 || gateway === undefined ? routes : [...routes, everywhere, gateway]
}

/** Where this server is in the subnet. */
function ownAddress({ addresses }: HostDhcp, { cidr }: Subnet): string | undefined {
  return addresses.map((each) => parseCidr(each).address).find((each) => isInNetwork(each, cidr))
}

function extraOptions(dhcp: HostDhcp, onProblem: (portId: string, error: unknown) => void): RawDhcpOption[] {
  return dhcp.hosts.flatMap(({ portId, extraOptions: extra }) =>
    extra.flatMap(({ name, value, ipVersion }): RawDhcpOption[] => {
      const version = ipVersion === 6 ? 6 : 4
      const option = { tag: portTag(portId), version, name, text: version === 6 ? bracketed(value) : value } as const
      try {
        renderOptions([option])
        return [option]
      } catch (error) {
        onProblem(portId, error)
        return []
      }
    }),
  )
}

/** dnsmasq wants addresses of IPv6 in brackets, which users leave out. */
const bracketed = (text: string): string =>
  text
    .split(',')
    .map((word) => (isIpv6(word) ? `[${word}]` : word))
    .join(',')
