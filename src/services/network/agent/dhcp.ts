/** The DHCP agent: a namespace with a dnsmasq for each network that has DHCP. */
import { tapName } from '../../../base/device-names.ts'
import { ensureDnsmasq, type DnsmasqSpec } from '../../../host/dnsmasq.ts'
import { setSysctls } from '../../../host/netns.ts'
import type { HostDhcp } from '../rpc/host-state.ts'
import { attempt, type AgentContext, type Round } from './context.ts'
import { plugNamespace, wantNamespace } from './devices.ts'
import { dhcpHosts, dhcpOptions, dhcpRanges, dnsHosts, domainOf, servedSubnets } from './dhcp-options.ts'
import type { Memory } from './memory.ts'
import { dhcpDevice, dhcpNamespace, dnsmasqFolder } from './names.ts'

export const metadataAddress = '169.254.169.254'

export async function convergeDhcp(context: AgentContext, round: Round, memory: Memory): Promise<void> {
  for (const dhcp of round.state.dhcp) {
    want(context, round, dhcp)
    const where = { what: `network ${dhcp.networkId}`, portId: dhcp.port.id }
    // Outside of what is done once: what is wrong stays wrong, and is told on every pass.
    const { options, problems } = dhcpOptions(dhcp)
    for (const { portId, message } of problems) round.failures.push({ what: `DHCP option of port ${portId}`, message })
    const network = round.state.networks.find(({ id }) => id === dhcp.networkId)
    await memory.once(`dhcp ${dhcp.networkId}`, { dhcp, network }, () =>
      attempt(round, where, () => convergeNetwork(context, round, dhcp, options)),
    )
  }
}

/** Before anything else, so that an error does not take away what is there. */
function want({ stateDir }: AgentContext, { wanted }: Round, dhcp: HostDhcp): void {
  const { networkId, port } = dhcp
  wanted.namespaces.add(dhcpNamespace(networkId))
  wanted.links.add(tapName(port.id))
  // One that was there before would go on with what it served.
  if (servedSubnets(dhcp).length > 0) wanted.dnsmasq.add(dnsmasqFolder(stateDir, `dhcp-${networkId}`))
}

async function convergeNetwork(
  context: AgentContext,
  round: Round,
  dhcp: HostDhcp,
  options: DnsmasqSpec['options'],
): Promise<void> {
  const { networkId, port, mtu, servesMetadata } = dhcp
  const netns = dhcpNamespace(networkId)
  const device = dhcpDevice(port.id)
  const addresses = [...dhcp.addresses, ...(servesMetadata ? [`${metadataAddress}/32`] : [])]
  await wantNamespace(context, round, netns)
  // Its addresses are neutron's to give: an advertisement must not add others.
  await setSysctls({ 'net/ipv6/conf/all/accept_ra': 0, 'net/ipv6/conf/default/accept_ra': 0 }, { netns })
  await plugNamespace(context, round, netns, device, { portId: port.id, networkId, mac: port.mac, mtu, addresses })

  const ranges = dhcpRanges(dhcp)
  if (ranges.length === 0) return
  const dir = dnsmasqFolder(context.stateDir, `dhcp-${networkId}`)
  await context.owned.claim('dnsmasq', dir)
  const domain = domainOf(dhcp.dnsDomain)
  await ensureDnsmasq({
    netns,
    interface: device,
    dir,
    ranges,
    hosts: dhcpHosts(dhcp),
    options,
    dnsHosts: dnsHosts(dhcp),
    dns: { servers: [...new Set(dhcp.subnets.flatMap(({ dnsNameservers }) => dnsNameservers))] },
    mtu,
    ...(domain === undefined ? {} : { domain }),
  })
}
