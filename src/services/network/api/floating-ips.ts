import { Type } from 'typebox'
import type { Context } from '../../../platform/auth/context.ts'
import { route, type ApiRequest, type Route } from '../../../platform/http/route.ts'
import type { NetworkDeps } from '../deps.ts'
import { badRequest, conflict, floatingIpNotFound, notFound, portNotFound } from '../errors.ts'
import { insertPort, removePort, tellOfAddresses } from '../operations/ports.ts'
import { requireQuota } from '../operations/quota.ts'
import { policy } from '../policies.ts'
import {
  deleteRows,
  findRow,
  insertRow,
  listRows,
  newEntity,
  touched,
  updateRow,
  type NetworkDb,
  type Row,
} from '../store/rows.ts'
import { visibleNetwork } from './networks.ts'
import { page, pick, standard, type View } from './listing.ts'
import { kinds, ownerOf } from './schema.ts'

type FloatingIp = Row<'floating_ips'>

const view = (row: FloatingIp): View => ({
  ...standard(row),
  floating_network_id: row.floating_network_id,
  floating_ip_address: row.floating_ip_address,
  port_id: row.port_id,
  fixed_ip_address: row.fixed_ip_address,
  router_id: row.router_id,
  status: row.status,
  port_details: null,
  port_forwardings: [],
  dns_domain: '',
  dns_name: '',
  qos_policy_id: null,
})

const owner = (row: { project_id: string }) => ({ project_id: row.project_id })

async function visible(ctx: Context, { database: { db } }: NetworkDeps, id: string): Promise<FloatingIp> {
  const row = await findRow(db, 'floating_ips', { id })
  if (!row || !ctx.can(policy('get_floatingip'), owner(row))) throw floatingIpNotFound(id)
  return row
}

/** Port, address and router of an association: a router must lead from the external network to the port's subnet. */
async function associate(
  tx: NetworkDb,
  ctx: Context,
  networkId: string,
  own: string | null,
  portId: string | null,
  fixed: string | undefined,
) {
  if (portId === null) return { port_id: null, fixed_ip_address: null, router_id: null, status: 'DOWN' }
  const port = await findRow(tx, 'ports', { id: portId })
  if (!port || !(ctx.isAdmin || port.project_id === ctx.projectId)) throw portNotFound(portId)
  const addresses = (await listRows(tx, 'ip_allocations', { port_id: port.id })).filter(
    (each) => !each.ip.includes(':'),
  )
  const address = fixed === undefined ? addresses[0] : addresses.find((each) => each.ip === fixed)
  if (!address) {
    throw fixed === undefined
      ? badRequest(
          'BadRequest',
          `Bad floatingip request: Cannot add floating IP to port ${port.id} that has no fixed IPv4 addresses.`,
        )
      : badRequest('BadRequest', `Bad floatingip request: Port ${port.id} does not have fixed ip ${fixed}.`)
  }
  const taken = (await listRows(tx, 'floating_ips', { port_id: port.id })).find(
    (each) => each.fixed_ip_address === address.ip && each.id !== own,
  )
  if (taken) {
    throw conflict(
      'FloatingIPPortAlreadyAssociated',
      `Cannot associate floating IP with port ${port.id} using fixed IP ${address.ip}, as that fixed IP already has a floating IP on external network ${networkId}.`,
    )
  }
  const beside = await listRows(tx, 'ip_allocations', { subnet_id: address.subnet_id })
  const interfaces = await listRows(tx, 'ports', {
    id: beside.map((each) => each.port_id),
    device_owner: 'network:router_interface',
  })
  const routers = await listRows(tx, 'routers', { id: interfaces.map((each) => each.device_id) })
  const router = routers.find((each) => each.gateway_network_id === networkId)
  if (!router) {
    throw notFound(
      'ExternalGatewayForFloatingIPNotFound',
      `External network ${networkId} is not reachable from subnet ${address.subnet_id}.  Therefore, cannot associate Port ${port.id} with a Floating IP.`,
    )
  }
  return { port_id: port.id, fixed_ip_address: address.ip, router_id: router.id, status: 'ACTIVE' }
}

const list = route({
  method: 'GET',
  path: '/floatingips',
  policy: policy('get_floatingip'),
  async handle({ ctx, query, baseUrl, url }: ApiRequest<never>, { database: { db } }: NetworkDeps) {
    const rows = (await listRows(db, 'floating_ips', { id: query['id'] })).filter((row) =>
      ctx.can(policy('get_floatingip'), owner(row)),
    )
    return page('floatingips', rows.map(view), query, baseUrl + url)
  },
})

const show = route({
  method: 'GET',
  path: '/floatingips/:id',
  policy: policy('get_floatingip'),
  async handle({ ctx, params, query }: ApiRequest<never>, deps: NetworkDeps) {
    return { status: 200, body: { floatingip: pick(view(await visible(ctx, deps, params['id'] ?? '')), query) } }
  },
})

const association = {
  port_id: Type.Optional(Type.Union([Type.Null(), kinds.uuid])),
  fixed_ip_address: Type.Optional(kinds.nullableText),
  description: Type.Optional(kinds.name),
}

const create = route({
  method: 'POST',
  path: '/floatingips',
  policy: policy('create_floatingip'),
  body: Type.Object({
    floatingip: Type.Object(
      {
        ...association,
        ...kinds.owner,
        floating_network_id: kinds.uuid,
        floating_ip_address: Type.Optional(kinds.nullableText),
        subnet_id: Type.Optional(Type.Union([Type.Null(), kinds.uuid])),
      },
      { additionalProperties: false },
    ),
  }),
  async handle({ ctx, body: { floatingip: input } }, deps: NetworkDeps) {
    const projectId = ownerOf(ctx, input)
    ctx.authorize(policy('create_floatingip'), { project_id: projectId })
    if (input.floating_ip_address != null)
      ctx.authorize(policy('create_floatingip:floating_ip_address'), { project_id: projectId })
    const network = await visibleNetwork(ctx, deps, input.floating_network_id)
    if (network.is_external === 0)
      throw badRequest('BadRequest', `Bad floatingip request: Network ${network.id} is not a valid external network.`)
    const row = await deps.change(async (tx) => {
      await requireQuota(tx, deps, projectId, 'floatingip')
      const id = crypto.randomUUID()
      const asked = {
        ...(input.floating_ip_address != null && { ip_address: input.floating_ip_address }),
        ...(input.subnet_id != null && { subnet_id: input.subnet_id }),
      }
      const port = await insertPort(tx, deps, network, '', {
        device_owner: 'network:floatingip',
        device_id: id,
        ...(Object.keys(asked).length > 0 && { fixed_ips: [asked] }),
      })
      const address = (await listRows(tx, 'ip_allocations', { port_id: port.id })).find(
        (each) => !each.ip.includes(':'),
      )
      if (!address)
        throw badRequest(
          'BadRequest',
          `Bad floatingip request: Network ${network.id} does not contain any IPv4 subnet.`,
        )
      const where = await associate(
        tx,
        ctx,
        network.id,
        null,
        input.port_id ?? null,
        input.fixed_ip_address ?? undefined,
      )
      const floating: FloatingIp = {
        ...newEntity(projectId, input),
        id,
        floating_network_id: network.id,
        floating_port_id: port.id,
        floating_ip_address: address.ip,
        ...where,
      }
      await insertRow(tx, 'floating_ips', floating)
      return floating
    })
    await tellOfAddresses(deps, [row.port_id])
    return { status: 201, body: { floatingip: view(row) } }
  },
})

const update = route({
  method: 'PUT',
  path: '/floatingips/:id',
  policy: policy('update_floatingip'),
  body: Type.Object({ floatingip: Type.Object(association, { additionalProperties: false }) }),
  async handle({ ctx, params, body: { floatingip: input } }, deps: NetworkDeps) {
    const row = await visible(ctx, deps, params['id'] ?? '')
    ctx.authorize(policy('update_floatingip'), owner(row))
    await deps.change(async (tx) => {
      // As in neutron: an update that names no port takes the port away.
      const isOnlyText =
        input.port_id === undefined && input.fixed_ip_address === undefined && input.description !== undefined
      const where = isOnlyText
        ? {}
        : await associate(
            tx,
            ctx,
            row.floating_network_id,
            row.id,
            input.port_id ?? null,
            input.fixed_ip_address ?? undefined,
          )
      await updateRow(tx, 'floating_ips', row.id, {
        ...where,
        ...(input.description !== undefined && { description: input.description }),
        ...touched(row),
      })
    })
    const now = (await findRow(deps.database.db, 'floating_ips', { id: row.id }))!
    if (now.port_id !== row.port_id || now.fixed_ip_address !== row.fixed_ip_address)
      await tellOfAddresses(deps, [row.port_id, now.port_id])
    return { status: 200, body: { floatingip: view(now) } }
  },
})

const remove = route({
  method: 'DELETE',
  path: '/floatingips/:id',
  policy: policy('delete_floatingip'),
  async handle({ ctx, params }: ApiRequest<never>, deps: NetworkDeps) {
    const row = await visible(ctx, deps, params['id'] ?? '')
    ctx.authorize(policy('delete_floatingip'), owner(row))
    await deps.change(async (tx) => {
      await deleteRows(tx, 'floating_ips', { id: row.id })
      const port = await findRow(tx, 'ports', { id: row.floating_port_id })
      if (port) await removePort(tx, port)
    })
    await tellOfAddresses(deps, [row.port_id])
    return { status: 204 }
  },
})

export const floatingIpRoutes = [list, show, create, update, remove] as Route<NetworkDeps>[]
