import type { Shown } from '../../../../platform/http/answers.ts'
import { Type } from 'typebox'
import type { Context } from '../../../../platform/auth/context.ts'
import { route } from '../route.ts'
import { badRequestFor, floatingIpNotFound, networkNotFound, portNotFound } from '../../errors.ts'
import { changeFloatingIp, insertFloatingIp, removeFloatingIp } from '../../operations/floating-ips.ts'
import { tellOfAddresses } from '../../operations/ports.ts'
import { carriedRouters } from '../../operations/schedule.ts'
import { policy } from '../../policies.ts'
import { findRow, listRows, type NetworkDb, type Row } from '../../store/rows.ts'
import { ownedTargets, ownScope, collection } from '../kit/collection.ts'
import { createRoute, readRoutes, removeRoute, updateRoute } from '../kit/resource.ts'
import { listAnswer } from '../kit/answers.ts'
import { page, requireKnown, standard, withTagFilters, type View } from '../kit/listing.ts'
import { closed, kinds } from '../kit/schema.ts'
import { tagRoutes } from '../kit/tags.ts'
import { ownedBy } from '../kit/targets.ts'
import { networkTarget } from '../networks/view.ts'
import { ports } from '../ports/view.ts'
import { floatingIpAnswer, poolAnswer } from './schema.ts'

function view(
  row: Row<'floating_ips'>,
  targets: ReadonlyMap<string, Row<'ports'>>,
  carried: ReadonlySet<string>,
): Shown<typeof floatingIpAnswer> {
  const { name: _name, ...common } = standard(row)
  const port = targets.get(row.port_id ?? '')
  return {
    ...common,
    floating_network_id: row.floating_network_id,
    floating_ip_address: row.floating_ip_address,
    port_id: row.port_id,
    fixed_ip_address: row.fixed_ip_address,
    router_id: row.router_id,
    // Whatever the router's host said last, it is of no use while nobody is there.
    status: carried.has(row.router_id ?? '') ? row.status : 'DOWN',
    dns_name: row.dns_name ?? '',
    dns_domain: row.dns_domain ?? '',
    port_details: port
      ? {
          name: port.name,
          network_id: port.network_id,
          mac_address: port.mac_address,
          admin_state_up: port.admin_state_up === 1,
          status: port.status,
          device_id: port.device_id,
          device_owner: port.device_owner,
        }
      : null,
  }
}

const floatingIps = collection({
  singular: 'floatingip',
  answer: floatingIpAnswer,
  table: 'floating_ips',
  tags: 'floatingips',
  shows: ['port_details', 'subnet_id', 'dns_name', 'dns_domain'],
  filters: withTagFilters(
    'floating_ip_address',
    'floating_network_id',
    'router_id',
    'port_id',
    'fixed_ip_address',
    'status',
  ),
  columns: ['id', 'project_id', 'tenant_id', 'floating_ip_address', 'floating_network_id', 'router_id', 'port_id'],
  scope: ownScope,
  notFound: floatingIpNotFound,
  targets: ownedTargets,
  async views(db, rows, deps) {
    const targets = await listRows(db, 'ports', { id: rows.flatMap((row) => row.port_id ?? []) })
    const byId = new Map(targets.map((port) => [port.id, port]))
    const carried = await carriedRouters(
      db,
      deps,
      rows.flatMap((row) => row.router_id ?? []),
    )
    return rows.map((row) => view(row, byId, carried))
  },
})

/** The port that a body names, as far as it is the caller's. */
async function portOf(tx: NetworkDb, ctx: Context, id: string | null | undefined): Promise<Row<'ports'> | null> {
  if (id == null) return null
  const port = await findRow(tx, 'ports', { id })
  if (port && (ctx.isAdmin || ctx.roles.includes('service') || port.project_id === ctx.projectId)) return port
  const target = port && (await ports.targets(tx, [port]))(port)
  if (!target || !ctx.can(policy('get_port'), target)) throw portNotFound(id)
  throw badRequestFor(
    'floatingip',
    `Cannot process floating IP association with Port ${id}, since that port is owned by a different project`,
  )
}

const attributes = {
  port_id: Type.Optional(kinds.nullableUuid),
  fixed_ip_address: Type.Optional(kinds.orNull(kinds.ip)),
  description: Type.Optional(kinds.name),
}
const creation = closed({
  ...attributes,
  ...kinds.owner,
  floating_network_id: kinds.uuid,
  floating_ip_address: Type.Optional(kinds.orNull(kinds.ip)),
  subnet_id: Type.Optional(kinds.nullableUuid),
  dns_name: Type.Optional(kinds.dnsName),
  dns_domain: Type.Optional(kinds.dnsDomain),
})

/** Where floating IPs come from: the IPv4 subnets of external networks that the caller may see. */
const pools = route({
  method: 'GET',
  path: '/floatingip-pools',
  policy: policy('get_floatingip_pool'),
  answer: listAnswer('floatingip_pools', poolAnswer),
  async handle(request, { database: { db } }) {
    const { ctx, query } = request
    requireKnown(query, ['subnet_id', 'subnet_name', 'network_id', 'cidr', 'project_id', 'tenant_id'])
    ctx.authorize(policy('get_floatingip_pool'), ownedBy(ctx.projectId))
    const networks = await listRows(db, 'networks', { is_external: 1 })
    const subnets = await listRows(db, 'subnets', { network_id: networks.map(({ id }) => id), ip_version: 4 })
    const views = subnets.map((subnet) => ({
      id: subnet.id,
      subnet_id: subnet.id,
      subnet_name: subnet.name,
      network_id: subnet.network_id,
      cidr: subnet.cidr,
      project_id: ctx.projectId,
      tenant_id: ctx.projectId,
    }))
    const answer = page('floatingip_pools', views, request)
    const { floatingip_pools: found, ...rest } = answer.body as { floatingip_pools: View[] }
    return { ...answer, body: { floatingip_pools: found.map(({ id: _id, ...each }) => each), ...rest } }
  },
})

export const floatingIpRoutes = [
  ...readRoutes(floatingIps),
  createRoute(floatingIps, {
    schema: creation,
    defaults: { floating_ip_address: null },
    async insert(tx, deps, input, projectId, ctx) {
      const network = await findRow(tx, 'networks', { id: input.floating_network_id })
      if (!network || !ctx.can(policy('get_network'), networkTarget(network)))
        throw networkNotFound(input.floating_network_id)
      return insertFloatingIp(tx, deps, network, projectId, input, await portOf(tx, ctx, input.port_id))
    },
    afterwards: (deps, rows) =>
      tellOfAddresses(
        deps,
        rows.map((row) => row.port_id),
      ),
  }),
  updateRoute(floatingIps, {
    schema: closed(attributes),
    async apply(tx, deps, row, input, ctx) {
      await changeFloatingIp(tx, row, input, await portOf(tx, ctx, input.port_id))
      const now = await findRow(tx, 'floating_ips', { id: row.id })
      if (now?.port_id === row.port_id && now.fixed_ip_address === row.fixed_ip_address) return
      return () => tellOfAddresses(deps, [row.port_id, now?.port_id ?? null])
    },
  }),
  removeRoute(floatingIps, async (tx, deps, row) => {
    await removeFloatingIp(tx, row)
    return () => tellOfAddresses(deps, [row.port_id])
  }),
  ...tagRoutes(floatingIps),
  pools,
]
