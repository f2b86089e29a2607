import type { Shown } from '../../../../platform/http/answers.ts'
import type { NetworkDeps } from '../../deps.ts'
import { routerNotFound } from '../../errors.ts'
import { carriedRouters } from '../../operations/schedule.ts'
import { defaultZone } from '../../operations/zones.ts'
import { listRows, parseList, type NetworkDb, type Row } from '../../store/rows.ts'
import { ownedTargets, ownScope, collection } from '../kit/collection.ts'
import { standard, withTagFilters } from '../kit/listing.ts'
import { routerAnswer } from './schema.ts'

async function views(
  db: NetworkDb,
  rows: readonly Row<'routers'>[],
  deps: NetworkDeps,
): Promise<Shown<typeof routerAnswer>[]> {
  const gateways = rows.flatMap((row) => row.gateway_port_id ?? [])
  const addresses = Map.groupBy(await listRows(db, 'ip_allocations', { port_id: gateways }), (each) => each.port_id)
  const ports = await listRows(db, 'ports', { device_id: rows.map((row) => row.id) })
  const placed = new Set(ports.filter((port) => port.host_id !== '').map((port) => port.device_id))
  const inUse = new Set(ports.map((port) => port.device_id))
  const carried = await carriedRouters(db, deps, [...inUse])
  return rows.map((row) => ({
    ...standard(row),
    admin_state_up: row.admin_state_up === 1,
    // One without ports has nothing to do yet; clients wait for ACTIVE after they made it, as neutron says at once.
    status: inUse.has(row.id) && !carried.has(row.id) ? 'DOWN' : 'ACTIVE',
    external_gateway_info: gatewayOf(row, addresses.get(row.gateway_port_id ?? '') ?? []),
    routes: parseList(row.routes),
    availability_zone_hints: parseList<string>(row.zone_hints ?? '[]'),
    availability_zones: placed.has(row.id) ? [defaultZone] : [],
  }))
}

function gatewayOf(row: Row<'routers'>, addresses: readonly Row<'ip_allocations'>[]) {
  if (row.gateway_network_id === null) return null
  return {
    network_id: row.gateway_network_id,
    enable_snat: row.enable_snat === 1,
    external_fixed_ips: addresses.map((each) => ({ subnet_id: each.subnet_id, ip_address: each.ip })),
  }
}

export const routers = collection({
  singular: 'router',
  answer: routerAnswer,
  table: 'routers',
  tags: 'routers',
  shows: ['routes', 'availability_zones', 'availability_zone_hints'],
  filters: withTagFilters('admin_state_up', 'status'),
  columns: ['id', 'name', 'project_id', 'tenant_id'],
  scope: ownScope,
  notFound: routerNotFound,
  targets: ownedTargets,
  views,
})
