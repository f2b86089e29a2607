/** The L3 agent: a namespace for each router, with its interfaces, routes and address translation. */
import { tapName } from '../../../base/device-names.ts'
import { ensureDnsmasq, type DhcpOption } from '../../../host/dnsmasq.ts'
import { deleteLink, ensureRoutes, listAddresses, listLinks, runIpBatch, type RouteSpec } from '../../../host/links.ts'
import { setSysctls } from '../../../host/netns.ts'
import { replaceTables } from '../../../host/nft.ts'
import { ipVersion } from '../../../base/ip.ts'
import { floatingKey, type HostRouter } from '../rpc/host-state.ts'
import { attempt, type AgentContext, type Round } from './context.ts'
import { plugNamespace, wantNamespace, type NamespacePort } from './devices.ts'
import type { Memory } from './memory.ts'
import { dnsmasqFolder, gatewayDevice, routerDevice, routerNamespace } from './names.ts'
import { routerTables } from './nat.ts'

export async function convergeRouters(context: AgentContext, round: Round, memory: Memory): Promise<void> {
  for (const router of round.state.routers.filter(({ adminStateUp }) => adminStateUp)) {
    want(context, round, router)
    // Who may ask for metadata is no business of the namespace.
    const { metadataClients: _, ...description } = router
    const networks = round.state.networks.filter(({ id }) => portsOf(router).some(({ networkId }) => networkId === id))
    const where = { what: nameOf(router.id) }
    await memory.once(`router ${router.id}`, { description, networks }, () =>
      attempt(round, where, () => convergeRouter(context, round, router)),
    )
  }
}

/** Keys of all floating IPs of this host, and of those that lead where they shall. */
export function floatingIpsOf({ state, failures }: Round, wired: ReadonlySet<string>) {
  const failed = new Set(failures.map(({ what }) => what))
  const isCarried = ({ id, adminStateUp, gateway }: HostRouter) =>
    adminStateUp && gateway !== null && wired.has(gateway.portId) && !failed.has(nameOf(id))
  const keysOf = (routers: readonly HostRouter[]) => routers.flatMap(({ floatingIps }) => floatingIps.map(floatingKey))
  return { all: keysOf(state.routers), carried: keysOf(state.routers.filter(isCarried)) }
}

const nameOf = (id: string) => `router ${id}`

function want({ stateDir }: AgentContext, { wanted }: Round, router: HostRouter): void {
  wanted.namespaces.add(routerNamespace(router.id))
  for (const { portId } of portsOf(router)) wanted.links.add(tapName(portId))
  for (const { portId } of router.interfaces.filter(sendsAdvertisements))
    wanted.dnsmasq.add(advertiserFolder(stateDir, portId))
}

const advertiserFolder = (stateDir: string, portId: string) => dnsmasqFolder(stateDir, `ra-${portId}`)
const sendsAdvertisements = ({ ipv6RaSubnets }: HostRouter['interfaces'][number]) => ipv6RaSubnets.length > 0

function portsOf({ interfaces, gateway }: HostRouter): NamespacePort[] {
  return gateway ? [...interfaces, gateway] : interfaces
}

async function convergeRouter(context: AgentContext, round: Round, router: HostRouter): Promise<void> {
  const netns = routerNamespace(router.id)
  const { gateway } = router
  await wantNamespace(context, round, netns)
  await setSysctls(
    {
      'net/ipv4/ip_forward': 1,
      'net/ipv6/conf/all/forwarding': 1,
      'net/ipv4/conf/all/rp_filter': 0,
      'net/ipv4/conf/default/rp_filter': 0,
      'net/ipv4/conf/all/arp_notify': 1,
      // Two interfaces may be in one network: each speaks for its own addresses only.
      'net/ipv4/conf/all/arp_ignore': 1,
      'net/ipv4/conf/all/arp_announce': 2,
    },
    { netns },
  )
  // Filters first: no packet leaves untranslated.
  await replaceTables(routerTables(router), { netns })
  // There since the tables track connections. Windows that scale must not look like packets of nobody.
  await setSysctls({ 'net/netfilter/nf_conntrack_tcp_be_liberal': 1 }, { netns })
  await removeStrangers(netns, router)
  const problems: unknown[] = []
  for (const port of router.interfaces) {
    await plugNamespace(context, round, netns, routerDevice(port.portId), port).catch((error: unknown) =>
      problems.push(error),
    )
  }
  if (gateway) {
    await plugGateway(context, round, netns, router, gateway).catch((error: unknown) => problems.push(error))
  }
  if (problems.length > 0) throw problems[0]
  await ensureRoutes(routesOf(router), { netns })
  for (const port of router.interfaces.filter(sendsAdvertisements)) await advertise(context, netns, port)
}

async function plugGateway(
  context: AgentContext,
  round: Round,
  netns: string,
  router: HostRouter,
  gateway: NonNullable<HostRouter['gateway']>,
) {
  const device = gatewayDevice(gateway.portId)
  const addresses = [...gateway.addresses, ...router.floatingIps.map(({ floating }) => `${floating}/32`)]
  const before = await listAddresses(device, { netns }).catch((): string[] => [])
  await plugNamespace(context, round, netns, device, { ...gateway, addresses })
  const after = await listAddresses(device, { netns })
  // Neighbours may remember another router for this floating IP: setting the MAC makes the kernel announce all.
  if (after.some((each) => !before.includes(each))) {
    await runIpBatch([['link', 'set', 'dev', device, 'address', gateway.mac]], { netns })
  }
}

function routesOf({ gateway, routes }: HostRouter): RouteSpec[] {
  const defaults = (gateway?.nexthops ?? []).map((nexthop) => ({
    destination: ipVersion(nexthop) === 6 ? '::/0' : '0.0.0.0/0',
    gateway: nexthop,
  }))
  return [...defaults, ...routes.map(({ destination, nexthop }) => ({ destination, gateway: nexthop }))]
}

/** Interfaces that the router has no more. */
async function removeStrangers(netns: string, { interfaces, gateway }: HostRouter): Promise<void> {
  const known = new Set(interfaces.map(({ portId }) => routerDevice(portId)))
  if (gateway) known.add(gatewayDevice(gateway.portId))
  for (const { name } of await listLinks({ netns })) {
    if (/^q[rg]-/.test(name) && !known.has(name)) await deleteLink(name, { netns })
  }
}

/** What the advertisement says: addresses from the prefix, or ask DHCPv6 - which the DHCP agent serves, not this one. */
const raModes: Readonly<Record<string, 'ra-only' | 'ra-stateless' | 'static'>> = {
  slaac: 'ra-only',
  'dhcpv6-stateless': 'ra-stateless',
  'dhcpv6-stateful': 'static',
}

async function advertise(context: AgentContext, netns: string, port: HostRouter['interfaces'][number]): Promise<void> {
  const dir = advertiserFolder(context.stateDir, port.portId)
  await context.owned.claim('dnsmasq', dir)
  const ranges = port.ipv6RaSubnets.map(({ cidr, mode }, index) => ({
    tag: `ra${index}`,
    cidr,
    mode: raModes[mode] ?? ('static' as const),
    leaseSeconds: 86_400,
  }))
  // Names of servers for those who never ask DHCPv6.
  const options = port.ipv6RaSubnets.flatMap(({ dnsNameservers }, index): DhcpOption[] =>
    dnsNameservers.length === 0
      ? []
      : [{ tag: `ra${index}`, version: 6, option: 'dns-server', values: dnsNameservers }],
  )
  await ensureDnsmasq({
    netns,
    interface: routerDevice(port.portId),
    dir,
    ranges,
    hosts: [],
    options,
    dns: false,
    isRouter: true,
    mtu: port.mtu,
  })
}
