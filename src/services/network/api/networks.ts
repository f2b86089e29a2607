import { Type } from 'typebox'
import type { Context } from '../../../platform/auth/context.ts'
import { route, type ApiRequest, type Route } from '../../../platform/http/route.ts'
import type { NetworkDeps } from '../deps.ts'
import { networkInUse, networkNotFound, badRequest } from '../errors.ts'
import { mtuOf, providerSegment, tenantSegment } from '../ml2/segments.ts'
import { removePort } from '../operations/ports.ts'
import { requireQuota } from '../operations/quota.ts'
import { policy } from '../policies.ts'
import { deleteRows, findRow, insertRow, listRows, newEntity, touched, updateRow, type Row } from '../store/rows.ts'
import { page, pick, standard, type View } from './listing.ts'
import { kinds, ownerOf } from './schema.ts'

const attributes = {
  name: Type.Optional(kinds.name),
  description: Type.Optional(kinds.name),
  admin_state_up: Type.Optional(kinds.boolean),
  shared: Type.Optional(kinds.boolean),
  'router:external': Type.Optional(kinds.boolean),
  is_default: Type.Optional(kinds.boolean),
  mtu: Type.Optional(Type.Integer({ minimum: 68, maximum: 65535 })),
  port_security_enabled: Type.Optional(kinds.boolean),
}
const closed = { additionalProperties: false }
const createNetwork = Type.Object(
  {
    ...attributes,
    ...kinds.owner,
    'provider:network_type': Type.Optional(Type.String({ maxLength: 32 })),
    'provider:physical_network': Type.Optional(Type.Union([Type.Null(), Type.String({ maxLength: 64 })])),
    'provider:segmentation_id': Type.Optional(Type.Union([Type.Null(), Type.Integer()])),
    availability_zone_hints: Type.Optional(Type.Array(Type.String())),
  },
  closed,
)

export const networkTarget = (row: Row<'networks'>) => ({
  project_id: row.project_id,
  tenant_id: row.project_id,
  shared: row.shared === 1,
  'router:external': row.is_external === 1,
})

export const viewNetwork = (row: Row<'networks'>, subnets: readonly string[], ctx: Context): View => ({
  ...standard(row),
  admin_state_up: row.admin_state_up === 1,
  status: 'ACTIVE',
  shared: row.shared === 1,
  mtu: row.mtu,
  port_security_enabled: row.port_security_enabled === 1,
  'router:external': row.is_external === 1,
  ...(row.is_external === 1 && { is_default: row.is_default === 1 }),
  availability_zone_hints: [],
  availability_zones: ['nova'],
  ipv4_address_scope: null,
  ipv6_address_scope: null,
  subnets,
  ...(ctx.can(policy('get_network:provider'), networkTarget(row)) && {
    'provider:network_type': row.network_type,
    'provider:physical_network': row.physical_network,
    'provider:segmentation_id': row.segmentation_id,
  }),
})

/** A network that the caller may see. Throws NetworkNotFound for those of others too. */
export async function visibleNetwork(ctx: Context, deps: NetworkDeps, id: string): Promise<Row<'networks'>> {
  const row = await findRow(deps.database.db, 'networks', { id })
  if (!row || !ctx.can(policy('get_network'), networkTarget(row))) throw networkNotFound(id)
  return row
}

const list = route({
  method: 'GET',
  path: '/networks',
  policy: policy('get_network'),
  async handle({ ctx, query, baseUrl, url }: ApiRequest<never>, { database: { db } }: NetworkDeps) {
    const rows = (await listRows(db, 'networks', { id: query['id'] })).filter((row) =>
      ctx.can(policy('get_network'), networkTarget(row)),
    )
    const subnets = Map.groupBy(
      await listRows(db, 'subnets', { network_id: rows.map((row) => row.id) }),
      (subnet) => subnet.network_id,
    )
    return page(
      'networks',
      rows.map((row) =>
        viewNetwork(
          row,
          (subnets.get(row.id) ?? []).map((subnet) => subnet.id),
          ctx,
        ),
      ),
      query,
      baseUrl + url,
    )
  },
})

const subnetIds = async ({ database: { db } }: NetworkDeps, id: string) =>
  (await listRows(db, 'subnets', { network_id: id })).map((row) => row.id)

const show = route({
  method: 'GET',
  path: '/networks/:id',
  policy: policy('get_network'),
  async handle({ ctx, params, query }: ApiRequest<never>, deps: NetworkDeps) {
    const row = await visibleNetwork(ctx, deps, params['id'] ?? '')
    return { status: 200, body: { network: pick(viewNetwork(row, await subnetIds(deps, row.id), ctx), query) } }
  },
})

/** Attributes that only some may set: each is refused by its own rule. */
function authorizeAttributes(ctx: Context, verb: 'create' | 'update', input: object, target: object) {
  for (const name of ['shared', 'router:external', 'is_default'] as const) {
    if ((input as Record<string, unknown>)[name] === true)
      ctx.authorize(policy(`${verb}_network:${name}`), { ...target })
  }
  if (Object.keys(input).some((name) => name.startsWith('provider:')))
    ctx.authorize(policy(`${verb}_network:provider`), { ...target })
}

const create = route({
  method: 'POST',
  path: '/networks',
  policy: policy('create_network'),
  body: Type.Object({ network: createNetwork }),
  async handle({ ctx, body: { network: input } }, deps: NetworkDeps) {
    const projectId = ownerOf(ctx, input)
    ctx.authorize(policy('create_network'), { project_id: projectId })
    authorizeAttributes(ctx, 'create', input, { project_id: projectId })
    const row = await deps.change(async (tx) => {
      await requireQuota(tx, deps, projectId, 'network')
      const type = input['provider:network_type']
      const segment =
        type === undefined
          ? await tenantSegment(tx, deps)
          : await providerSegment(tx, deps, {
              network_type: type,
              physical_network: input['provider:physical_network'] ?? null,
              segmentation_id: input['provider:segmentation_id'] ?? null,
            })
      const largest = mtuOf(segment.network_type, deps.config.globalPhysnetMtu)
      if (input.mtu !== undefined && input.mtu > largest)
        throw badRequest(
          'InvalidInput',
          `Invalid input for operation: Requested MTU is too big, maximum is ${largest}.`,
        )
      const network: Row<'networks'> = {
        ...newEntity(projectId, input),
        admin_state_up: input.admin_state_up === false ? 0 : 1,
        shared: input.shared ? 1 : 0,
        is_external: input['router:external'] ? 1 : 0,
        is_default: input.is_default ? 1 : 0,
        mtu: input.mtu ?? largest,
        port_security_enabled: input.port_security_enabled === false ? 0 : 1,
        ...segment,
      }
      await insertRow(tx, 'networks', network)
      return network
    })
    return { status: 201, body: { network: viewNetwork(row, [], ctx) } }
  },
})

const update = route({
  method: 'PUT',
  path: '/networks/:id',
  policy: policy('update_network'),
  body: Type.Object({ network: Type.Object(attributes, closed) }),
  async handle({ ctx, params, body: { network: input } }, deps: NetworkDeps) {
    const row = await visibleNetwork(ctx, deps, params['id'] ?? '')
    ctx.authorize(policy('update_network'), { project_id: row.project_id })
    authorizeAttributes(ctx, 'update', input, { project_id: row.project_id })
    const flag = (value: boolean | undefined, column: string) => value !== undefined && { [column]: value ? 1 : 0 }
    await deps.change((tx) =>
      updateRow(tx, 'networks', row.id, {
        ...(input.name !== undefined && { name: input.name }),
        ...(input.description !== undefined && { description: input.description }),
        ...(input.mtu !== undefined && { mtu: input.mtu }),
        ...flag(input.admin_state_up, 'admin_state_up'),
        ...flag(input.shared, 'shared'),
        ...flag(input['router:external'], 'is_external'),
        ...flag(input.is_default, 'is_default'),
        ...flag(input.port_security_enabled, 'port_security_enabled'),
        ...touched(row),
      }),
    )
    const changed = (await findRow(deps.database.db, 'networks', { id: row.id }))!
    return { status: 200, body: { network: viewNetwork(changed, await subnetIds(deps, row.id), ctx) } }
  },
})

const remove = route({
  method: 'DELETE',
  path: '/networks/:id',
  policy: policy('delete_network'),
  async handle({ ctx, params }: ApiRequest<never>, deps: NetworkDeps) {
    const row = await visibleNetwork(ctx, deps, params['id'] ?? '')
    ctx.authorize(policy('delete_network'), { project_id: row.project_id })
    await deps.change(async (tx) => {
      const ports = await listRows(tx, 'ports', { network_id: row.id })
      if (ports.some((port) => port.device_owner !== 'network:dhcp')) throw networkInUse(row.id)
      for (const port of ports) await removePort(tx, port)
      await deleteRows(tx, 'subnets', { network_id: row.id })
      await deleteRows(tx, 'networks', { id: row.id })
    })
    return { status: 204 }
  },
})

export const networkRoutes = [list, show, create, update, remove] as Route<NetworkDeps>[]
