/** Where routers are: their interfaces in the networks of users. */
import type { NetworkDeps } from '../deps.ts'
import { badRequest, badRequestFor, conflict, notFound, routerInterfaceInUse } from '../errors.ts'
import { bind, noteBinding } from '../ml2/binding.ts'
import { parseAddress, parsePrefix } from '../model/address.ts'
import {
  deleteRows,
  findRow,
  listRows,
  parseList,
  touch,
  touched,
  updateRow,
  type NetworkDb,
  type Row,
} from '../store/rows.ts'
import { reallocate } from './addresses.ts'
import { insertPort, removePort } from './ports.ts'
import { connected, hostOf, requireApart, type RouteText } from './routers.ts'

type Router = Row<'routers'>

/**
 * Connects a subnet with its gateway address: by a new port, or by the one that the router has for IPv6 in the same
 * network, where all prefixes are of one interface.
 */
export async function addSubnet(
  tx: NetworkDb,
  deps: NetworkDeps,
  router: Router,
  subnet: Row<'subnets'>,
): Promise<Row<'ports'>> {
  if (subnet.gateway_ip === null) throw badRequestFor('router', 'Subnet for router interface must have a gateway IP')
  await requireConnectable(tx, router, [subnet])
  const network = (await findRow(tx, 'networks', { id: subnet.network_id }))!
  const host = await hostOf(tx, deps, router.id)
  await touch(tx, 'routers', router)
  const address = { subnet_id: subnet.id, ip_address: subnet.gateway_ip }
  const existing = subnet.ip_version === 6 ? await ipv6Port(tx, router, network.id) : undefined
  if (existing) {
    const held = await listRows(tx, 'ip_allocations', { port_id: existing.id })
    await reallocate(tx, deps, existing, [...held.map(({ ip }) => ({ ip_address: ip })), address])
    await touch(tx, 'ports', existing)
    return existing
  }
  return insertPort(tx, deps, network, router.project_id, {
    device_owner: 'network:router_interface',
    device_id: router.id,
    fixed_ips: [address],
    'binding:host_id': host ?? '',
  })
}

const interfacesOf = (tx: NetworkDb, router: Router): Promise<Row<'ports'>[]> =>
  listRows(tx, 'ports', { device_id: router.id, device_owner: 'network:router_interface' })

/** The port by which a router is in the IPv6 subnets of a network. */
async function ipv6Port(tx: NetworkDb, router: Router, networkId: string): Promise<Row<'ports'> | undefined> {
  const ports = (await interfacesOf(tx, router)).filter((port) => port.network_id === networkId)
  const held = await listRows(tx, 'ip_allocations', { port_id: ports.map(({ id }) => id) })
  const ids = new Set(held.filter(({ ip }) => ip.includes(':')).map((each) => each.port_id))
  return ports.find(({ id }) => ids.has(id))
}

async function requireConnectable(tx: NetworkDb, router: Router, subnets: readonly Row<'subnets'>[]) {
  const others = await connected(tx, router.id)
  for (const subnet of subnets) {
    if (subnet.ip_version === 6 && subnet.ipv6_ra_mode === null && subnet.ipv6_address_mode !== null)
      throw badRequestFor(
        'router',
        `IPv6 subnet ${subnet.id} configured to receive RAs from an external router cannot be added to Neutron Router`,
      )
    if (others.some((other) => other.id === subnet.id))
      throw badRequestFor('router', `Router already has a port on subnet ${subnet.id}`)
    for (const other of others) requireApart(subnet, other)
  }
}

/** Connects by a port that exists. */
export async function addPort(
  tx: NetworkDb,
  deps: NetworkDeps,
  router: Router,
  port: Row<'ports'>,
): Promise<Row<'ports'>> {
  if (port.device_id !== '')
    throw conflict(
      'PortInUse',
      `Unable to complete operation on port ${port.id} for network ${port.network_id}. Port already has an attached device ${port.device_id}.`,
    )
  const held = await listRows(tx, 'ip_allocations', { port_id: port.id })
  if (held.length === 0) throw badRequestFor('router', 'Router port must have at least one fixed IP')
  const subnets = await listRows(tx, 'subnets', { id: held.map((each) => each.subnet_id) })
  if (subnets.filter((subnet) => subnet.ip_version === 4).length > 1)
    throw badRequestFor('router', 'Cannot have multiple IPv4 subnets on router port')
  await requireConnectable(tx, router, subnets)
  const other = subnets.some((subnet) => subnet.ip_version === 6) && (await ipv6Port(tx, router, port.network_id))
  if (other)
    throw badRequestFor(
      'router',
      `Router already contains IPv6 port ${other.id} belonging to network id ${port.network_id}. Only one IPv6 port from the same network subnet can be connected to a router`,
    )
  const host = (await hostOf(tx, deps, router.id)) ?? ''
  const network = (await findRow(tx, 'networks', { id: port.network_id }))!
  const binding = await bind(tx, deps, network, host)
  const changes = {
    device_id: router.id,
    device_owner: 'network:router_interface',
    host_id: host,
    vif_type: binding.vif_type,
    port_security_enabled: 0,
    security_groups: '[]',
    allowed_address_pairs: '[]',
  }
  await updateRow(tx, 'ports', port.id, { ...changes, ...touched(port) })
  await noteBinding(tx, port.id, binding)
  await touch(tx, 'routers', router)
  return { ...port, ...changes }
}

/**
 * Takes an interface away, by its port or by a subnet; a port that has other subnets stays with those. Returns the port
 * and the subnets that it was taken from.
 */
export async function removeInterface(
  tx: NetworkDb,
  router: Router,
  by: { port_id?: string; subnet_id?: string },
): Promise<{ port: Row<'ports'>; subnetIds: string[] }> {
  const ports = await interfacesOf(tx, router)
  const used = await listRows(tx, 'ip_allocations', { port_id: ports.map((each) => each.id) })
  const subnetsOf = (port: Row<'ports'>) =>
    used.filter((address) => address.port_id === port.id).map((address) => address.subnet_id)
  const port =
    by.port_id === undefined
      ? ports.find((each) => subnetsOf(each).includes(by.subnet_id ?? ''))
      : ports.find((each) => each.id === by.port_id)
  if (!port) {
    throw by.port_id === undefined
      ? notFound('RouterInterfaceNotFoundForSubnet', `Router ${router.id} has no interface on subnet ${by.subnet_id}`)
      : notFound('RouterInterfaceNotFound', `Router ${router.id} does not have an interface with id ${by.port_id}`)
  }
  const all = subnetsOf(port)
  if (by.subnet_id !== undefined && !all.includes(by.subnet_id))
    throw badRequest(
      'SubnetMismatchForPort',
      `Subnet on port ${port.id} does not match the requested subnet ${by.subnet_id}.`,
    )
  const subnetIds = by.port_id === undefined && by.subnet_id !== undefined ? [by.subnet_id] : all
  await requireUnused(tx, router, subnetIds)
  if (subnetIds.length < all.length) {
    await deleteRows(tx, 'ip_allocations', { port_id: port.id, subnet_id: subnetIds })
    await touch(tx, 'ports', port)
  } else await removePort(tx, port)
  await touch(tx, 'routers', router)
  return { port, subnetIds }
}

/** Floating IPs and extra routes hold the interface that they lead through. */
async function requireUnused(tx: NetworkDb, router: Router, subnetIds: readonly string[]) {
  const floating = await listRows(tx, 'floating_ips', { router_id: router.id })
  const behind = await listRows(tx, 'ip_allocations', { port_id: floating.flatMap((each) => each.port_id ?? []) })
  const needed = behind.find((address) => subnetIds.includes(address.subnet_id))
  if (needed) throw routerInterfaceInUse(router.id, needed.subnet_id)
  const hops = parseList<RouteText>(router.routes).map((each) => parseAddress(each.nexthop))
  for (const subnet of await listRows(tx, 'subnets', { id: subnetIds })) {
    const prefix = parsePrefix(subnet.cidr)!
    const isHop = hops.some(
      (hop) => hop && hop.version === prefix.version && hop.value >= prefix.first && hop.value <= prefix.last,
    )
    if (isHop)
      throw conflict(
        'RouterInterfaceInUseByRoute',
        `Router interface for subnet ${subnet.id} on router ${router.id} cannot be deleted, as it is required by one or more routes.`,
      )
  }
}
