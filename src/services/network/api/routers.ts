import { Type, type Static } from 'typebox'
import type { Context } from '../../../platform/auth/context.ts'
import { route, type ApiRequest, type Route } from '../../../platform/http/route.ts'
import type { NetworkDeps } from '../deps.ts'
import {
  badRequest,
  notFound,
  portNotFound,
  routerInUse,
  routerInterfaceInUse,
  routerNotFound,
  subnetNotFound,
} from '../errors.ts'
import { removePort } from '../operations/ports.ts'
import { requireQuota } from '../operations/quota.ts'
import { addSubnet, hostOf, setGateway } from '../operations/routers.ts'
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

const gatewayInfo = Type.Union([
  Type.Null(),
  Type.Object(
    {
      network_id: Type.Optional(kinds.uuid),
      enable_snat: Type.Optional(kinds.boolean),
      external_fixed_ips: Type.Optional(
        Type.Array(Type.Object({ subnet_id: Type.Optional(kinds.uuid), ip_address: Type.Optional(Type.String()) })),
      ),
    },
    { additionalProperties: false },
  ),
])
const attributes = {
  name: Type.Optional(kinds.name),
  description: Type.Optional(kinds.name),
  admin_state_up: Type.Optional(kinds.boolean),
  external_gateway_info: Type.Optional(gatewayInfo),
  routes: Type.Optional(
    Type.Array(Type.Object({ destination: Type.String(), nexthop: Type.String() }, { additionalProperties: false }), {
      maxItems: 30,
    }),
  ),
}
const owner = (row: { project_id: string }) => ({ project_id: row.project_id })

async function viewAll(db: NetworkDb, rows: readonly Row<'routers'>[]): Promise<View[]> {
  const ports = rows.flatMap((row) => row.gateway_port_id ?? [])
  const addresses = Map.groupBy(await listRows(db, 'ip_allocations', { port_id: ports }), (each) => each.port_id)
  return rows.map((row) => ({
    ...standard(row),
    admin_state_up: row.admin_state_up === 1,
    status: 'ACTIVE',
    external_gateway_info:
      row.gateway_network_id === null
        ? null
        : {
            network_id: row.gateway_network_id,
            enable_snat: row.enable_snat === 1,
            external_fixed_ips: (addresses.get(row.gateway_port_id ?? '') ?? []).map((each) => ({
              subnet_id: each.subnet_id,
              ip_address: each.ip,
            })),
          },
    routes: JSON.parse(row.routes) as unknown,
    availability_zone_hints: [],
    availability_zones: ['nova'],
    distributed: false,
    ha: false,
    flavor_id: null,
  }))
}

const view = async ({ database: { db } }: NetworkDeps, id: string): Promise<View> =>
  (await viewAll(db, [(await findRow(db, 'routers', { id }))!]))[0]!

export async function visibleRouter(
  ctx: Context,
  { database: { db } }: NetworkDeps,
  id: string,
): Promise<Row<'routers'>> {
  const row = await findRow(db, 'routers', { id })
  if (!row || !ctx.can(policy('get_router'), owner(row))) throw routerNotFound(id)
  return row
}

const list = route({
  method: 'GET',
  path: '/routers',
  policy: policy('get_router'),
  async handle({ ctx, query, baseUrl, url }: ApiRequest<never>, { database: { db } }: NetworkDeps) {
    const rows = (await listRows(db, 'routers', { id: query['id'] })).filter((row) =>
      ctx.can(policy('get_router'), owner(row)),
    )
    return page('routers', await viewAll(db, rows), query, baseUrl + url)
  },
})

const show = route({
  method: 'GET',
  path: '/routers/:id',
  policy: policy('get_router'),
  async handle({ ctx, params, query }: ApiRequest<never>, deps: NetworkDeps) {
    const row = await visibleRouter(ctx, deps, params['id'] ?? '')
    return { status: 200, body: { router: pick(await view(deps, row.id), query) } }
  },
})

/** The external network that a gateway names, looked up as the caller. */
async function gatewayNetwork(
  ctx: Context,
  deps: NetworkDeps,
  info: Static<typeof gatewayInfo>,
): Promise<Row<'networks'> | null> {
  if (info === null || info.network_id === undefined) return null
  const network = await visibleNetwork(ctx, deps, info.network_id)
  if (network.is_external === 0)
    throw badRequest('BadRequest', `Bad router request: Network ${network.id} is not an external network.`)
  return network
}

async function writeGateway(
  tx: NetworkDb,
  deps: NetworkDeps,
  router: Row<'routers'>,
  info: Static<typeof gatewayInfo>,
  network: Row<'networks'> | null,
) {
  await setGateway(tx, deps, router, network, {
    enableSnat: info?.enable_snat ?? true,
    fixedIps: info?.external_fixed_ips,
  })
}

const create = route({
  method: 'POST',
  path: '/routers',
  policy: policy('create_router'),
  body: Type.Object({
    router: Type.Object(
      {
        ...attributes,
        ...kinds.owner,
        ha: Type.Optional(Type.Literal(false)),
        distributed: Type.Optional(Type.Literal(false)),
        availability_zone_hints: Type.Optional(Type.Array(Type.String())),
      },
      { additionalProperties: false },
    ),
  }),
  async handle({ ctx, body: { router: input } }, deps: NetworkDeps) {
    const projectId = ownerOf(ctx, input)
    ctx.authorize(policy('create_router'), { project_id: projectId })
    const info = input.external_gateway_info ?? null
    const network = await gatewayNetwork(ctx, deps, info)
    const row = await deps.change(async (tx) => {
      await requireQuota(tx, deps, projectId, 'router')
      const router: Row<'routers'> = {
        ...newEntity(projectId, input),
        admin_state_up: input.admin_state_up === false ? 0 : 1,
        gateway_port_id: null,
        gateway_network_id: null,
        enable_snat: 1,
        routes: JSON.stringify(input.routes ?? []),
      }
      await insertRow(tx, 'routers', router)
      if (network) await writeGateway(tx, deps, router, info, network)
      return router
    })
    return { status: 201, body: { router: await view(deps, row.id) } }
  },
})

const update = route({
  method: 'PUT',
  path: '/routers/:id',
  policy: policy('update_router'),
  body: Type.Object({ router: Type.Object(attributes, { additionalProperties: false }) }),
  async handle({ ctx, params, body: { router: input } }, deps: NetworkDeps) {
    const row = await visibleRouter(ctx, deps, params['id'] ?? '')
    ctx.authorize(policy('update_router'), owner(row))
    const info = input.external_gateway_info
    const network = info === undefined ? null : await gatewayNetwork(ctx, deps, info)
    await deps.change(async (tx) => {
      await updateRow(tx, 'routers', row.id, {
        ...(input.name !== undefined && { name: input.name }),
        ...(input.description !== undefined && { description: input.description }),
        ...(input.admin_state_up !== undefined && { admin_state_up: input.admin_state_up ? 1 : 0 }),
        ...(input.routes !== undefined && { routes: JSON.stringify(input.routes) }),
        ...touched(row),
      })
      if (info !== undefined) await writeGateway(tx, deps, row, info, network)
    })
    return { status: 200, body: { router: await view(deps, row.id) } }
  },
})

const remove = route({
  method: 'DELETE',
  path: '/routers/:id',
  policy: policy('delete_router'),
  async handle({ ctx, params }: ApiRequest<never>, deps: NetworkDeps) {
    const row = await visibleRouter(ctx, deps, params['id'] ?? '')
    ctx.authorize(policy('delete_router'), owner(row))
    await deps.change(async (tx) => {
      const ports = await listRows(tx, 'ports', { device_id: row.id })
      if (ports.some((port) => port.device_owner === 'network:router_interface'))
        throw routerInUse(row.id, 'still has ports')
      for (const port of ports) await removePort(tx, port)
      await deleteRows(tx, 'routers', { id: row.id })
    })
    return { status: 204 }
  },
})

const interfaceBody = Type.Object(
  { subnet_id: Type.Optional(kinds.uuid), port_id: Type.Optional(kinds.uuid) },
  { additionalProperties: false },
)

async function answerOf(
  { database: { db } }: NetworkDeps,
  router: Row<'routers'>,
  port: Row<'ports'>,
  subnetIds: readonly string[],
) {
  const network = await findRow(db, 'networks', { id: port.network_id })
  return {
    id: router.id,
    project_id: router.project_id,
    tenant_id: router.project_id,
    port_id: port.id,
    network_id: network?.id,
    subnet_id: subnetIds[0],
    subnet_ids: subnetIds,
  }
}

const addInterface = route({
  method: 'PUT',
  path: '/routers/:id/add_router_interface',
  policy: policy('add_router_interface'),
  body: interfaceBody,
  async handle({ ctx, params, body }, deps: NetworkDeps) {
    const router = await visibleRouter(ctx, deps, params['id'] ?? '')
    ctx.authorize(policy('add_router_interface'), owner(router))
    if ((body.subnet_id === undefined) === (body.port_id === undefined)) {
      throw badRequest('BadRequest', 'Bad router request: Either subnet_id or port_id must be specified.')
    }
    const { db } = deps.database
    const mayUse = (row: { project_id: string } | undefined) => row && (ctx.isAdmin || row.project_id === ctx.projectId)
    const port = await deps.change(async (tx) => {
      if (body.subnet_id !== undefined) {
        const subnet = await findRow(tx, 'subnets', { id: body.subnet_id })
        const network = subnet && (await findRow(tx, 'networks', { id: subnet.network_id }))
        if (!subnet || !(mayUse(subnet) || network?.shared === 1)) throw subnetNotFound(body.subnet_id)
        return addSubnet(tx, deps, router, subnet)
      }
      const existing = await findRow(tx, 'ports', { id: body.port_id! })
      if (!existing || !mayUse(existing)) throw portNotFound(body.port_id!)
      if (existing.device_id !== '')
        throw badRequest(
          'PortInUse',
          `Unable to complete operation on port ${existing.id} for network ${existing.network_id}. Port already has an attached device ${existing.device_id}.`,
        )
      const host = await hostOf(tx, deps, router.id)
      const changes = {
        device_id: router.id,
        device_owner: 'network:router_interface',
        host_id: host ?? '',
        vif_type: 'bridge',
        port_security_enabled: 0,
        security_groups: '[]',
      }
      await updateRow(tx, 'ports', existing.id, { ...changes, ...touched(existing) })
      return { ...existing, ...changes }
    })
    const subnets = (await listRows(db, 'ip_allocations', { port_id: port.id })).map((each) => each.subnet_id)
    return { status: 200, body: await answerOf(deps, router, port, subnets) }
  },
})

const removeInterface = route({
  method: 'PUT',
  path: '/routers/:id/remove_router_interface',
  policy: policy('remove_router_interface'),
  body: interfaceBody,
  async handle({ ctx, params, body }, deps: NetworkDeps) {
    const router = await visibleRouter(ctx, deps, params['id'] ?? '')
    ctx.authorize(policy('remove_router_interface'), owner(router))
    const { port, subnets } = await deps.change(async (tx) => {
      const ports = await listRows(tx, 'ports', { device_id: router.id, device_owner: 'network:router_interface' })
      const used = await listRows(tx, 'ip_allocations', { port_id: ports.map((each) => each.id) })
      const found = ports.find(
        (each) =>
          each.id === body.port_id ||
          used.some((address) => address.port_id === each.id && address.subnet_id === body.subnet_id),
      )
      if (!found)
        throw notFound(
          'RouterInterfaceNotFound',
          `Router ${router.id} does not have an interface with id ${body.port_id ?? body.subnet_id}`,
        )
      const mine = used.filter((address) => address.port_id === found.id).map((address) => address.subnet_id)
      const floating = await listRows(tx, 'floating_ips', { router_id: router.id })
      const behind = await listRows(tx, 'ip_allocations', { port_id: floating.flatMap((each) => each.port_id ?? []) })
      const needed = behind.find((address) => mine.includes(address.subnet_id))
      if (needed) throw routerInterfaceInUse(router.id, needed.subnet_id)
      await removePort(tx, found)
      return { port: found, subnets: mine }
    })
    return { status: 200, body: await answerOf(deps, router, port, subnets) }
  },
})

export const routerRoutes = [list, show, create, update, remove, addInterface, removeInterface] as Route<NetworkDeps>[]
