import type { NetworkDeps } from '../deps.ts'
import { badRequest, badRequestFor, conflict, routerInUse } from '../errors.ts'
import { bind, pickHost } from '../ml2/binding.ts'
import { formatPrefix, overlaps, parseAddress, parsePrefix } from '../model/address.ts'
import {
  deleteEntity,
  findRow,
  insertRow,
  listRows,
  newEntity,
  parseList,
  touched,
  updateRow,
  type NetworkDb,
  type Row,
} from '../store/rows.ts'
import type { AddressRequest } from './addresses.ts'
import { changed, flags } from './changes.ts'
import { insertPort, removePort } from './ports.ts'
import { requireQuota } from './quota.ts'
import { requireZones } from './zones.ts'

type Router = Row<'routers'>
export interface RouteText {
  destination: string
  nexthop: string
}

export interface RouterInput {
  name?: string
  description?: string
  admin_state_up?: boolean
  routes?: RouteText[]
  availability_zone_hints?: string[]
}

/** Where a router leads to; null for nowhere. */
export interface Gateway {
  network: Row<'networks'>
  enableSnat: boolean
  fixedIps?: AddressRequest[] | undefined
}

/** The host that carries a router: where its ports are, else where it was put by hand, else that of a live L3 agent. */
export async function hostOf(tx: NetworkDb, deps: NetworkDeps, routerId: string): Promise<string | undefined> {
  const placed = (await listRows(tx, 'ports', { device_id: routerId })).find((port) => port.host_id !== '')
  if (placed) return placed.host_id
  return (await findRow(tx, 'routers', { id: routerId }))?.host_id ?? (await pickHost(tx, deps, 'L3 agent'))
}

export async function insertRouter(
  tx: NetworkDb,
  deps: NetworkDeps,
  projectId: string,
  input: RouterInput,
  gateway: Gateway | null,
): Promise<Router> {
  await requireQuota(tx, deps, projectId, 'router')
  await requireZones(tx, 'L3 agent', input.availability_zone_hints)
  const router: Router = {
    ...newEntity(projectId, input),
    admin_state_up: input.admin_state_up === false ? 0 : 1,
    gateway_port_id: null,
    gateway_network_id: null,
    enable_snat: 1,
    routes: '[]',
    zone_hints: JSON.stringify(input.availability_zone_hints ?? []),
    host_id: null,
  }
  await insertRow(tx, 'routers', router)
  if (gateway) await setGateway(tx, deps, router, gateway)
  if (input.routes && input.routes.length > 0) await writeRoutes(tx, deps, router.id, input.routes)
  return (await findRow(tx, 'routers', { id: router.id }))!
}

/** Changes a router; `gateway` undefined leaves the gateway. */
export async function changeRouter(
  tx: NetworkDb,
  deps: NetworkDeps,
  row: Router,
  input: RouterInput,
  gateway: Gateway | null | undefined,
): Promise<void> {
  await updateRow(tx, 'routers', row.id, {
    ...changed(input, ['name', 'description']),
    ...flags({ admin_state_up: input.admin_state_up }),
    ...touched(row),
  })
  if (gateway !== undefined) await setGateway(tx, deps, row, gateway)
  if (input.routes !== undefined) await writeRoutes(tx, deps, row.id, input.routes)
}

export async function removeRouter(tx: NetworkDb, row: Router): Promise<void> {
  const ports = await listRows(tx, 'ports', { device_id: row.id })
  if (ports.some((port) => port.device_owner === 'network:router_interface'))
    throw routerInUse(row.id, 'still has ports')
  if (await findRow(tx, 'floating_ips', { router_id: row.id })) throw routerInUse(row.id, 'still has floating IPs')
  for (const port of ports.filter(({ device_owner }) => device_owner.startsWith('network:router')))
    await removePort(tx, port)
  await deleteEntity(tx, 'routers', row.id)
}

/** Sets, moves or clears a router's gateway. */
async function setGateway(tx: NetworkDb, deps: NetworkDeps, router: Router, gateway: Gateway | null): Promise<void> {
  const current =
    router.gateway_port_id === null ? undefined : await findRow(tx, 'ports', { id: router.gateway_port_id })
  const isSame = current !== undefined && current.network_id === gateway?.network.id
  if (current && !isSame && (await findRow(tx, 'floating_ips', { router_id: router.id }))) {
    throw conflict(
      'RouterExternalGatewayInUseByFloatingIp',
      `Gateway cannot be updated for router ${router.id}, since a gateway to external network ${current.network_id} is required by one or more floating IPs.`,
    )
  }
  const isMoved = isSame && gateway?.fixedIps !== undefined && !(await has(tx, current.id, gateway.fixedIps))
  if (current && (!isSame || isMoved)) await removePort(tx, current)
  let portId = isSame && !isMoved ? current.id : null
  if (gateway && portId === null) {
    await requireForeign(tx, router, gateway.network)
    const host = await hostOf(tx, deps, router.id)
    // Neutron's gateway ports have no project: users do not see them.
    const port = await insertPort(tx, deps, gateway.network, '', {
      device_owner: 'network:router_gateway',
      device_id: router.id,
      ...(gateway.fixedIps && { fixed_ips: gateway.fixedIps }),
      'binding:host_id': host ?? '',
    })
    portId = port.id
  }
  const changes = {
    gateway_port_id: portId,
    gateway_network_id: gateway?.network.id ?? null,
    enable_snat: (gateway?.enableSnat ?? true) ? 1 : 0,
  }
  await updateRow(tx, 'routers', router.id, { ...changes, ...touched(router) })
}

async function has(tx: NetworkDb, portId: string, asked: readonly AddressRequest[]): Promise<boolean> {
  const held = await listRows(tx, 'ip_allocations', { port_id: portId })
  return (
    held.length === asked.length &&
    asked.every((each) =>
      held.some(
        (one) =>
          (each.ip_address === undefined || each.ip_address === one.ip) &&
          (each.subnet_id === undefined || each.subnet_id === one.subnet_id),
      ),
    )
  )
}

/** A gateway into the network of an own interface would route in a circle. */
async function requireForeign(tx: NetworkDb, router: Router, network: Row<'networks'>) {
  for (const subnet of await connected(tx, router.id, 'network:router_interface')) {
    for (const other of await listRows(tx, 'subnets', { network_id: network.id })) requireApart(other, subnet)
  }
}

export function requireApart(subnet: Row<'subnets'>, other: Row<'subnets'>) {
  const [mine, theirs] = [parsePrefix(subnet.cidr)!, parsePrefix(other.cidr)!]
  if (overlaps(mine, theirs))
    throw badRequestFor(
      'router',
      `Cidr ${formatPrefix(mine)} of subnet ${subnet.id} overlaps with cidr ${formatPrefix(theirs)} of subnet ${other.id}`,
    )
}

/** Subnets that a router has an address in. */
export async function connected(tx: NetworkDb, routerId: string, owner?: string): Promise<Row<'subnets'>[]> {
  const ports = (await listRows(tx, 'ports', { device_id: routerId })).filter((port) =>
    owner === undefined ? port.device_owner.startsWith('network:router_') : port.device_owner === owner,
  )
  const used = await listRows(tx, 'ip_allocations', { port_id: ports.map((port) => port.id) })
  return listRows(tx, 'subnets', { id: [...new Set(used.map((each) => each.subnet_id))] })
}

const sameRoute = (a: RouteText, b: RouteText) => a.destination === b.destination && a.nexthop === b.nexthop

/** Replaces the extra routes; each must lead to a host that the router can reach by itself. */
async function writeRoutes(
  tx: NetworkDb,
  { config }: Pick<NetworkDeps, 'config'>,
  routerId: string,
  routes: readonly RouteText[],
): Promise<void> {
  if (routes.length > config.maxRoutes)
    throw badRequest(
      'RoutesExhausted',
      `Unable to complete operation for ${routerId}. The number of routes exceeds the maximum ${config.maxRoutes}.`,
    )
  const refused = (why: string) =>
    badRequest('InvalidRoutes', `Invalid format for routes: ${JSON.stringify(routes)}, ${why}`)
  const prefixes = (await connected(tx, routerId)).map((subnet) => parsePrefix(subnet.cidr)!)
  const ports = await listRows(tx, 'ports', { device_id: routerId })
  const own = (await listRows(tx, 'ip_allocations', { port_id: ports.map((port) => port.id) })).map((each) => each.ip)
  for (const [index, route] of routes.entries()) {
    const hop = parseAddress(route.nexthop)
    if (!parsePrefix(route.destination)) throw refused(`'${route.destination}' is not a valid IP subnet`)
    if (!hop) throw refused(`'${route.nexthop}' is not a valid IP address`)
    if (!prefixes.some((each) => each.version === hop.version && hop.value >= each.first && hop.value <= each.last))
      throw refused('the nexthop is not connected with router')
    if (own.includes(route.nexthop)) throw refused('the nexthop is used by router')
    if (routes.findIndex((each) => sameRoute(each, route)) !== index) throw refused('routes are not unique')
  }
  const row = (await findRow(tx, 'routers', { id: routerId }))!
  await updateRow(tx, 'routers', routerId, { routes: JSON.stringify(routes), ...touched(row) })
}

/** Adds or takes routes and leaves the others. */
export async function changeRoutes(
  tx: NetworkDb,
  deps: NetworkDeps,
  row: Router,
  routes: readonly RouteText[],
  how: 'add' | 'remove',
): Promise<void> {
  const old = parseList<RouteText>(row.routes)
  const others = old.filter((each) => !routes.some((route) => sameRoute(route, each)))
  await writeRoutes(tx, deps, row.id, how === 'add' ? [...others, ...routes] : others)
}

/** After an L3 agent came: ports of routers that had to wait for one. */
export async function placeRouters(deps: NetworkDeps): Promise<void> {
  const { db } = deps.database
  const waiting = (await listRows(db, 'ports', { host_id: '' })).filter((port) =>
    port.device_owner.startsWith('network:router_'),
  )
  for (const port of waiting) {
    await deps.change(async (tx) => {
      const host = await hostOf(tx, deps, port.device_id)
      const network = await findRow(tx, 'networks', { id: port.network_id })
      if (host === undefined || !network) return
      await updateRow(tx, 'ports', port.id, { host_id: host, vif_type: (await bind(tx, deps, network, host)).vif_type })
    })
  }
}
