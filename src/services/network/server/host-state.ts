/** What one host should look like, put together from the database for its agents. */
import { tapName } from '../../../base/device-names.ts'
import type { NetworkDeps } from '../deps.ts'
import { parsePrefix } from '../model/address.ts'
import { hostnameOf, isRouterInterface } from '../model/port.ts'
import type { HostDhcp, HostNetwork, HostPort, HostRouter, HostSecurityGroup, HostState } from '../rpc/host-state.ts'
import { sliceOf, wirerOf, type AgentPart } from '../rpc/parts.ts'
import { groupsIn, portsWithGroups } from '../store/members.ts'
import { listRows, parseList, type NetworkDb, type Row } from '../store/rows.ts'

interface World {
  networks: Map<string, Row<'networks'>>
  subnets: Map<string, Row<'subnets'>>
  /** Those of the host's networks. */
  ports: Row<'ports'>[]
  /** Those in its security groups and in the groups that their rules speak of. */
  members: Row<'ports'>[]
  /** By port. */
  addresses: Map<string, Row<'ip_allocations'>[]>
  groups: Row<'security_groups'>[]
  rules: Map<string, Row<'security_group_rules'>[]>
  routers: Row<'routers'>[]
  floating: Row<'floating_ips'>[]
  /** Prefixes by address group. */
  addressGroups: Map<string, string[]>
  tunnelIps: Map<string, string>
}

/** What concerns a host: its networks with all their ports, and the groups of its ports with their members anywhere. */
async function read(db: NetworkDb, mine: readonly Row<'ports'>[]): Promise<World> {
  const byId = <T extends { id: string }>(rows: readonly T[]) => new Map(rows.map((row) => [row.id, row]))
  const networkIds = [...new Set(mine.map((port) => port.network_id))]
  const routerIds = [...new Set(mine.map((port) => port.device_id).filter((id) => id !== ''))]
  const groupIds = [...new Set(mine.filter((port) => port.port_security_enabled === 1).flatMap(groupsIn))]
  const [subnets, inside, ownRules, routers, floating] = await Promise.all([
    listRows(db, 'subnets', { network_id: networkIds }),
    listRows(db, 'ports', { network_id: networkIds }),
    listRows(db, 'security_group_rules', { security_group_id: groupIds }),
    listRows(db, 'routers', { id: routerIds }),
    listRows(db, 'floating_ips', { router_id: routerIds }),
  ])
  const remoteIds = ownRules.flatMap((rule) => rule.remote_group_id ?? []).filter((id) => !groupIds.includes(id))
  const allGroups = [...new Set([...groupIds, ...remoteIds])]
  const members = await portsWithGroups(db, allGroups)
  const rules = [...ownRules, ...(await listRows(db, 'security_group_rules', { security_group_id: remoteIds }))]
  const addressGroupIds = [...new Set(rules.flatMap((rule) => rule.remote_address_group_id ?? []))]
  const [networks, addresses, groups, addressGroups, agents] = await Promise.all([
    listRows(db, 'networks', { id: networkIds }),
    addressesOfPorts(db, [...inside, ...members]),
    listRows(db, 'security_groups', { id: allGroups }),
    listRows(db, 'address_groups', { id: addressGroupIds }),
    listRows(db, 'agents', { host: [...new Set(inside.map((port) => port.host_id))] }),
  ])
  return {
    networks: byId(networks),
    subnets: byId(subnets),
    ports: inside,
    members,
    addresses: Map.groupBy(addresses, (row) => row.port_id),
    groups,
    rules: Map.groupBy(rules, (row) => row.security_group_id),
    routers,
    floating,
    addressGroups: new Map(addressGroups.map((group) => [group.id, parseList<string>(group.addresses)])),
    tunnelIps: new Map(agents.flatMap((agent) => (agent.tunnel_ip === null ? [] : [[agent.host, agent.tunnel_ip]]))),
  }
}

function addressesOfPorts(db: NetworkDb, ports: readonly Row<'ports'>[]): Promise<Row<'ip_allocations'>[]> {
  return listRows(db, 'ip_allocations', { port_id: [...new Set(ports.map(({ id }) => id))] })
}

/** What of the desired state of `host` at `revision` concerns these parts. */
export async function hostStateOf(
  { database: { db }, config }: NetworkDeps,
  host: string,
  revision: number,
  parts: readonly AgentPart[],
): Promise<HostState> {
  const all = await listRows(db, 'ports', { host_id: host, vif_type: 'bridge' })
  // Of guests' ports, which are the most, only the L2 agent wants to know.
  const mine = parts.includes('l2') ? all : all.filter((port) => wirerOf(port.device_owner) !== 'l2')
  const world = await read(db, mine)
  const networkIds = [...new Set(mine.map((port) => port.network_id))]
  const groupIds = new Set(mine.filter((port) => port.port_security_enabled === 1).flatMap(groupsIn))
  const state = {
    revision,
    networks: networkIds.map((id) => networkOf(world, host, world.networks.get(id)!)),
    ports: mine.map((port) => portOf(world, port)),
    securityGroups: securityGroupsOf(world, groupIds),
    dhcp: mine
      .filter((port) => port.device_owner === 'network:dhcp')
      .map((port) => dhcpOf(world, port, config.dnsDomain)),
    routers: world.routers.flatMap((router) => routerOf(world, router, mine) ?? []),
  }
  return sliceOf(state, parts)
}

function networkOf(world: World, host: string, network: Row<'networks'>): HostNetwork {
  const elsewhere = world.ports.filter(
    (port) => port.network_id === network.id && port.host_id !== host && port.host_id !== '',
  )
  const forwarding = elsewhere.flatMap((port) => {
    const peer = world.tunnelIps.get(port.host_id)
    return peer === undefined ? [] : [{ mac: port.mac_address, peer }]
  })
  return {
    id: network.id,
    type: network.network_type,
    physicalNetwork: network.physical_network,
    segmentationId: network.segmentation_id,
    mtu: network.mtu,
    adminStateUp: network.admin_state_up === 1,
    peers: [...new Set(forwarding.map((each) => each.peer))],
    forwarding,
  }
}

const lengthOf = (world: World, subnetId: string): number =>
  parsePrefix(world.subnets.get(subnetId)?.cidr ?? '0.0.0.0/32')?.length ?? 32

const addressesOf = (world: World, portId: string) => world.addresses.get(portId) ?? []

const withPrefix = (world: World, portId: string) =>
  addressesOf(world, portId).map((each) => `${each.ip}/${lengthOf(world, each.subnet_id)}`)

function portOf(world: World, port: Row<'ports'>): HostPort {
  const pairs = parseList<{ ip_address: string; mac_address?: string }>(port.allowed_address_pairs)
  return {
    id: port.id,
    networkId: port.network_id,
    mac: port.mac_address,
    deviceOwner: port.device_owner,
    deviceId: port.device_id,
    tap: tapName(port.id),
    adminStateUp: port.admin_state_up === 1,
    portSecurityEnabled: port.port_security_enabled === 1,
    fixedIps: addressesOf(world, port.id).map((each) => ({
      ip: each.ip,
      subnetId: each.subnet_id,
      prefixLength: lengthOf(world, each.subnet_id),
    })),
    allowedAddressPairs: pairs.map((pair) => ({ mac: pair.mac_address ?? port.mac_address, cidr: pair.ip_address })),
    securityGroupIds: groupsIn(port),
  }
}

/** The groups of a host's ports, and those that their rules speak of. */
function securityGroupsOf(world: World, ids: ReadonlySet<string>): HostSecurityGroup[] {
  const remote = [...ids].flatMap((id) => (world.rules.get(id) ?? []).flatMap((rule) => rule.remote_group_id ?? []))
  const all = new Set([...ids, ...remote])
  const members = new Map<string, string[]>()
  for (const port of world.members) {
    const addresses = addressesOf(world, port.id).map(({ ip }) => ip)
    for (const id of groupsIn(port)) {
      const known = members.get(id)
      if (known) known.push(...addresses)
      else members.set(id, [...addresses])
    }
  }
  return world.groups
    .filter((group) => all.has(group.id))
    .map((group) => ({
      id: group.id,
      isStateful: group.stateful === 1,
      memberAddresses: (members.get(group.id) ?? []).sort(),
      rules: (world.rules.get(group.id) ?? []).flatMap((rule) => rulesOf(world, rule)),
    }))
}

/** An address group's rule is one for each of its prefixes of the right version. */
function rulesOf(world: World, row: Row<'security_group_rules'>): HostSecurityGroup['rules'] {
  const rule = {
    id: row.id,
    direction: row.direction === 'ingress' ? ('ingress' as const) : ('egress' as const),
    ethertype: row.ethertype === 'IPv6' ? ('IPv6' as const) : ('IPv4' as const),
    protocol: row.protocol,
    portRangeMin: row.port_range_min,
    portRangeMax: row.port_range_max,
    remoteCidr: row.remote_ip_prefix,
    remoteGroupId: row.remote_group_id,
  }
  if (row.remote_address_group_id === null) return [rule]
  const prefixes = world.addressGroups.get(row.remote_address_group_id) ?? []
  return prefixes
    .filter((prefix) => prefix.includes(':') === (row.ethertype === 'IPv6'))
    .map((remoteCidr) => ({ ...rule, remoteCidr }))
}

function dhcpOf(world: World, port: Row<'ports'>, domain: string): HostDhcp {
  const network = world.networks.get(port.network_id)!
  const ports = world.ports.filter((each) => each.network_id === network.id && each.id !== port.id)
  const subnets = [...world.subnets.values()].filter((subnet) => subnet.network_id === network.id)
  const inside = ports.filter((each) => isRouterInterface(each.device_owner))
  const routerAddresses = new Set(inside.flatMap((each) => addressesOf(world, each.id).map(({ ip }) => ip)))
  // Another address than the gateway's is no way out for anybody.
  const isRouted = ({ gateway_ip }: Row<'subnets'>) => gateway_ip !== null && routerAddresses.has(gateway_ip)
  return {
    networkId: network.id,
    port: { id: port.id, mac: port.mac_address },
    addresses: withPrefix(world, port.id),
    mtu: network.mtu,
    dnsDomain: domain,
    servesMetadata: subnets.some((subnet) => subnet.enable_dhcp === 1 && !isRouted(subnet)),
    subnets: subnets.map((subnet) => ({
      id: subnet.id,
      cidr: subnet.cidr,
      ipVersion: subnet.ip_version,
      gatewayIp: subnet.gateway_ip,
      enableDhcp: subnet.enable_dhcp === 1,
      dnsNameservers: parseList<string>(subnet.dns_nameservers),
      hostRoutes: parseList<{ destination: string; nexthop: string }>(subnet.host_routes),
      ipv6AddressMode: subnet.ipv6_address_mode,
      isRouted: isRouted(subnet),
    })),
    hosts: ports
      .filter((each) => addressesOf(world, each.id).length > 0)
      .map((each) => ({
        portId: each.id,
        mac: each.mac_address,
        hostname: each.dns_name || hostnameOf(addressesOf(world, each.id)[0]!.ip),
        addresses: addressesOf(world, each.id).map((address) => ({ ip: address.ip, subnetId: address.subnet_id })),
        extraOptions: parseList<{ opt_name: string; opt_value: string | null; ip_version?: number }>(
          each.extra_dhcp_opts,
        ).flatMap((option) =>
          option.opt_value === null
            ? []
            : [{ name: option.opt_name, value: option.opt_value, ipVersion: option.ip_version ?? 4 }],
        ),
        deviceId: each.device_id,
        projectId: each.project_id,
      })),
  }
}

/**
 * An advertisement makes a router the way out of everybody in the network. So a guest's router in somebody else's
 * network is silent, unless it was given the gateway's address, which only the owner or an administrator can.
 */
function mayAdvertise(world: World, router: Row<'routers'>, subnet: Row<'subnets'>, ip: string): boolean {
  const owners = [subnet.project_id, world.networks.get(subnet.network_id)?.project_id]
  return owners.includes(router.project_id) || ip === subnet.gateway_ip
}

/** A router as far as its ports are on this host; undefined when none is. */
function routerOf(world: World, router: Row<'routers'>, mine: readonly Row<'ports'>[]): HostRouter | undefined {
  const ports = mine.filter((port) => port.device_id === router.id)
  if (ports.length === 0) return undefined
  const mtuOf = (port: Row<'ports'>) => world.networks.get(port.network_id)?.mtu ?? 1500
  const face = (port: Row<'ports'>) => ({
    portId: port.id,
    mac: port.mac_address,
    networkId: port.network_id,
    mtu: mtuOf(port),
    addresses: withPrefix(world, port.id),
  })
  const gateway = ports.find((port) => port.device_owner === 'network:router_gateway')
  const interfaces = ports.filter((port) => port.device_owner === 'network:router_interface')
  const inside = new Set(interfaces.map((port) => port.network_id))
  return {
    id: router.id,
    projectId: router.project_id,
    adminStateUp: router.admin_state_up === 1,
    gateway: gateway
      ? {
          ...face(gateway),
          nexthops: addressesOf(world, gateway.id).flatMap(
            (each) => world.subnets.get(each.subnet_id)?.gateway_ip ?? [],
          ),
          enableSnat: router.enable_snat === 1,
        }
      : null,
    interfaces: interfaces.map((port) => ({
      ...face(port),
      ipv6RaSubnets: addressesOf(world, port.id).flatMap((each) => {
        const subnet = world.subnets.get(each.subnet_id)
        return subnet?.ipv6_ra_mode && mayAdvertise(world, router, subnet, each.ip)
          ? [
              {
                cidr: subnet.cidr,
                mode: subnet.ipv6_ra_mode,
                dnsNameservers: parseList<string>(subnet.dns_nameservers).filter((server) => server.includes(':')),
              },
            ]
          : []
      }),
    })),
    floatingIps: world.floating.flatMap((each) =>
      each.router_id === router.id && each.fixed_ip_address !== null
        ? [{ id: each.id, floating: each.floating_ip_address, fixed: each.fixed_ip_address }]
        : [],
    ),
    routes: parseList<{ destination: string; nexthop: string }>(router.routes),
    metadataClients: world.ports
      .filter((port) => inside.has(port.network_id) && port.device_owner.startsWith('compute:'))
      .flatMap((port) =>
        addressesOf(world, port.id).map((each) => ({
          networkId: port.network_id,
          ip: each.ip,
          deviceId: port.device_id,
          projectId: port.project_id,
        })),
      ),
  }
}
