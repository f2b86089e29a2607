/** What dnsmasq shall answer for a network. Pure. */
import { renderOptions, type DhcpHost, type DhcpOption, type DhcpRange, type DnsHost } from '../../../host/dnsmasq.ts'
import { ipVersion, parseCidr } from '../../../base/ip.ts'
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

/** The options that can be written, and those of ports that cannot. */
export function dhcpOptions(dhcp: HostDhcp): { options: DhcpOption[]; problems: OptionProblem[] } {
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
  const own = ownAddress(dhcp, version)
  const servers = subnet.dnsNameservers.length > 0 ? subnet.dnsNameservers : own === undefined ? [] : [own]
  const dns: DhcpOption[] = servers.length > 0 ? [{ tag, version, option: 'dns-server', values: servers }] : []
  // DHCPv4 gives the domain by dnsmasq's own setting, which clients of DHCPv6 do not hear.
  const domain = domainOf(dhcp.dnsDomain)
  if (version === 6)
    return domain === undefined ? dns : [...dns, { tag, version, option: 'domain-search', values: [domain] }]
  const router: DhcpOption = {
    tag,
    version,
    option: 'router',
    values: subnet.gatewayIp === null ? [] : [subnet.gatewayIp],
  }
  const routes = classlessRoutes(subnet, own)
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

function classlessRoutes({ hostRoutes, gatewayIp, isRouted }: Subnet, own: string | undefined): string[] {
  const metadataVia = isRouted ? (gatewayIp ?? undefined) : own
  const hasOwn = hostRoutes.some(({ destination }) => destination === `${metadataAddress}/32`)
  return [
    ...hostRoutes.flatMap(({ destination, nexthop }) => [destination, nexthop]),
    ...(metadataVia === undefined || hasOwn ? [] : [`${metadataAddress}/32`, metadataVia]),
    ...(gatewayIp === null ? [] : ['0.0.0.0/0', gatewayIp]),
  ]
}

function ownAddress({ addresses }: HostDhcp, version: 4 | 6): string | undefined {
  return addresses.map((each) => parseCidr(each).address).find((each) => ipVersion(each) === version)
}

function extraOptions(dhcp: HostDhcp, onProblem: (portId: string, error: unknown) => void): DhcpOption[] {
  return dhcp.hosts.flatMap(({ portId, extraOptions: extra }) =>
    extra.flatMap(({ name, value, ipVersion: version }): DhcpOption[] => {
      const option: DhcpOption = {
        tag: portTag(portId),
        version: version === 6 ? 6 : 4,
        option: /^\d+$/.test(name) ? Number(name) : name,
        values: value.split(','),
      }
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
