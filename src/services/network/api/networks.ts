import { Type, type Static } from 'typebox'
import type { Context } from '../../../platform/auth/context.ts'
import type { PolicyTarget } from '../../../platform/auth/policy.ts'
import { route, type ApiRequest, type Route } from '../../../platform/http/route.ts'
import type { NetworkDeps } from '../deps.ts'
import { badRequest, conflict, networkInUse, networkNotFound } from '../errors.ts'
import { mtuOf, providerSegment, tenantSegment } from '../ml2/segments.ts'
import { removePort } from '../operations/ports.ts'
import { requireQuota } from '../operations/quota.ts'
import { policy } from '../policies.ts'
import {
  deleteEntity,
  findRow,
  insertRow,
  listRows,
  newEntity,
  touched,
  updateRow,
  type NetworkDb,
  type Row,
} from '../store/rows.ts'
import { created, listed, one, requireRevision } from './answers.ts'
import { standard, type View } from './listing.ts'
import { itemsOf, kinds, oneOrMany, ownerOf } from './schema.ts'

const attributes = {
  name: Type.Optional(kinds.name),
  description: Type.Optional(kinds.name),
  admin_state_up: Type.Optional(kinds.boolean),
  shared: Type.Optional(kinds.boolean),
  'router:external': Type.Optional(kinds.boolean),
  is_default: Type.Optional(kinds.boolean),
  mtu: Type.Optional(Type.Integer({ minimum: 68, maximum: 65535 })),
  port_security_enabled: Type.Optional(kinds.boolean),
  dns_domain: Type.Optional(kinds.dnsDomain),
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
  'network:project_id': row.project_id,
})

/** What a network shows besides its own row. */
interface Contents {
  subnets: readonly Row<'subnets'>[]
  /** Address scope by subnet pool. */
  scopes: ReadonlyMap<string, string | null>
}

async function contentsOf(db: NetworkDb, ids: readonly string[]): Promise<(id: string) => Contents> {
  const subnets = Map.groupBy(await listRows(db, 'subnets', { network_id: ids }), (subnet) => subnet.network_id)
  const pools = [...new Set([...subnets.values()].flat().flatMap((subnet) => subnet.subnetpool_id ?? []))]
  const rows = pools.length === 0 ? [] : await listRows(db, 'subnet_pools', { id: pools })
  const scopes = new Map(rows.map((pool) => [pool.id, pool.address_scope_id]))
  return (id) => ({ subnets: subnets.get(id) ?? [], scopes })
}

function scopeOf({ subnets, scopes }: Contents, version: 4 | 6): string | null {
  const subnet = subnets.find((each) => each.ip_version === version && each.subnetpool_id !== null)
  return scopes.get(subnet?.subnetpool_id ?? '') ?? null
}

const viewNetwork = (row: Row<'networks'>, contents: Contents, ctx: Context): View => ({
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
  ipv4_address_scope: scopeOf(contents, 4),
  ipv6_address_scope: scopeOf(contents, 6),
  subnets: contents.subnets.map(({ id }) => id),
  dns_domain: row.dns_domain ?? '',
  ...(ctx.can(policy('get_network:provider:network_type'), networkTarget(row)) && {
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
  async handle(request: ApiRequest<never>, { database: { db } }: NetworkDeps) {
    const { ctx, query } = request
    const rows = (await listRows(db, 'networks', { id: query['id'] })).filter((row) =>
      ctx.can(policy('get_network'), networkTarget(row)),
    )
    const contents = await contentsOf(
      db,
      rows.map((row) => row.id),
    )
    const views = rows.map((row) => viewNetwork(row, contents(row.id), ctx))
    return listed(db, 'networks', views, request)
  },
})

const view = async (db: NetworkDb, id: string, ctx: Context): Promise<View> => {
  const row = (await findRow(db, 'networks', { id }))!
  return viewNetwork(row, (await contentsOf(db, [id]))(id), ctx)
}

const show = route({
  method: 'GET',
  path: '/networks/:id',
  policy: policy('get_network'),
  async handle({ ctx, params, query }: ApiRequest<never>, deps: NetworkDeps) {
    const { id } = await visibleNetwork(ctx, deps, params['id'] ?? '')
    return one(deps.database.db, 'networks', await view(deps.database.db, id, ctx), 200, query)
  },
})

/** Attributes that only some may set: each is refused by its own rule. */
function authorizeAttributes(ctx: Context, verb: 'create' | 'update', input: object, target: PolicyTarget) {
  const values = input as Record<string, unknown>
  for (const name of ['shared', 'router:external', 'is_default'] as const) {
    // Who creates a network says nothing new with false; who changes one does.
    if (values[name] === true || (verb === 'update' && values[name] !== undefined))
      ctx.authorize(policy(`${verb}_network:${name}`), target)
  }
  for (const name of Object.keys(values).filter(
    (each) => each.startsWith('provider:') || each === 'port_security_enabled',
  ))
    ctx.authorize(policy(`${verb}_network:${name}`), target)
}

type Input = Static<typeof createNetwork>

/** Only one external network is where a project's automatic topology leads to. */
async function requireOnlyDefault(tx: NetworkDb, id: string | null, isDefault: boolean | undefined) {
  if (isDefault !== true) return
  const other = (await listRows(tx, 'networks', { is_default: 1 })).find((row) => row.id !== id)
  if (other) throw conflict('DefaultExternalNetworkExists', `A default external network already exists: ${other.id}.`)
}

/** Makes a network in `tx`; rights are the caller's business. */
export async function insertNetwork(tx: NetworkDb, deps: NetworkDeps, projectId: string, input: Input) {
  await requireQuota(tx, deps, projectId, 'network')
  await requireOnlyDefault(tx, null, input.is_default)
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
  requireMtu(input.mtu, largest)
  const network: Row<'networks'> = {
    ...newEntity(projectId, input),
    admin_state_up: input.admin_state_up === false ? 0 : 1,
    shared: input.shared ? 1 : 0,
    is_external: input['router:external'] ? 1 : 0,
    is_default: input.is_default ? 1 : 0,
    mtu: input.mtu ?? largest,
    port_security_enabled: input.port_security_enabled === false ? 0 : 1,
    dns_domain: input.dns_domain ?? '',
    ...segment,
  }
  await insertRow(tx, 'networks', network)
  return network
}

function requireMtu(mtu: number | undefined, largest: number) {
  if (mtu !== undefined && mtu > largest)
    throw badRequest('InvalidInput', `Invalid input for operation: Requested MTU is too big, maximum is ${largest}.`)
}

const create = route({
  method: 'POST',
  path: '/networks',
  policy: policy('create_network'),
  body: oneOrMany('network', createNetwork),
  async handle({ ctx, body }, deps: NetworkDeps) {
    const { inputs, isBulk } = itemsOf<Input>(body, 'network')
    const owners = inputs.map((input) => {
      const projectId = ownerOf(ctx, input)
      ctx.authorize(policy('create_network'), { project_id: projectId })
      authorizeAttributes(ctx, 'create', input, { project_id: projectId })
      return projectId
    })
    const rows = await deps.change(async (tx) => {
      const made: Row<'networks'>[] = []
      for (const [index, input] of inputs.entries()) made.push(await insertNetwork(tx, deps, owners[index]!, input))
      return made
    })
    const empty = { subnets: [], scopes: new Map() }
    return created(
      'network',
      rows.map((row) => viewNetwork(row, empty, ctx)),
      isBulk,
    )
  },
})

const update = route({
  method: 'PUT',
  path: '/networks/:id',
  policy: policy('update_network'),
  body: Type.Object({ network: Type.Object(attributes, closed) }),
  async handle({ ctx, params, headers, body: { network: input } }, deps: NetworkDeps) {
    const { db } = deps.database
    const { id } = await visibleNetwork(ctx, deps, params['id'] ?? '')
    const flag = (value: boolean | undefined, column: string) => value !== undefined && { [column]: value ? 1 : 0 }
    await deps.change(async (tx) => {
      const row = await findRow(tx, 'networks', { id })
      if (!row) throw networkNotFound(id)
      ctx.authorize(policy('update_network'), { project_id: row.project_id })
      authorizeAttributes(ctx, 'update', input, { project_id: row.project_id })
      requireRevision(headers, row)
      requireMtu(input.mtu, mtuOf(row.network_type, deps.config.globalPhysnetMtu))
      await requireOnlyDefault(tx, id, input.is_default)
      if (input.shared === false && row.shared === 1) await requireNoStrangers(tx, row)
      await updateRow(tx, 'networks', id, {
        ...(input.name !== undefined && { name: input.name }),
        ...(input.description !== undefined && { description: input.description }),
        ...(input.mtu !== undefined && { mtu: input.mtu }),
        ...(input.dns_domain !== undefined && { dns_domain: input.dns_domain }),
        ...flag(input.admin_state_up, 'admin_state_up'),
        ...flag(input.shared, 'shared'),
        ...flag(input['router:external'], 'is_external'),
        ...flag(input.is_default, 'is_default'),
        ...flag(input.port_security_enabled, 'port_security_enabled'),
        ...touched(row),
      })
    })
    return one(db, 'networks', await view(db, id, ctx))
  },
})

/** Others' ports would be left in a network that they may no longer see. */
async function requireNoStrangers(tx: NetworkDb, network: Row<'networks'>) {
  const ports = await listRows(tx, 'ports', { network_id: network.id })
  const isStrange = (port: Row<'ports'>) =>
    port.project_id !== '' && port.project_id !== network.project_id && !port.device_owner.startsWith('network:')
  if (ports.some(isStrange))
    throw conflict(
      'InvalidSharedSetting',
      `Unable to reconfigure sharing settings for network ${network.id}. Multiple projects are using it.`,
    )
}

const remove = route({
  method: 'DELETE',
  path: '/networks/:id',
  policy: policy('delete_network'),
  async handle({ ctx, params, headers }: ApiRequest<never>, deps: NetworkDeps) {
    const { id } = await visibleNetwork(ctx, deps, params['id'] ?? '')
    await deps.change(async (tx) => {
      const row = await findRow(tx, 'networks', { id })
      if (!row) throw networkNotFound(id)
      ctx.authorize(policy('delete_network'), { project_id: row.project_id })
      requireRevision(headers, row)
      await removeNetwork(tx, id)
    })
    return { status: 204 }
  },
})

/** Takes the DHCP port and the subnets along. Throws NetworkInUse while anything else is in it. */
export async function removeNetwork(tx: NetworkDb, id: string): Promise<void> {
  const ports = await listRows(tx, 'ports', { network_id: id })
  if (ports.some((port) => port.device_owner !== 'network:dhcp')) throw networkInUse(id)
  for (const port of ports) await removePort(tx, port)
  for (const subnet of await listRows(tx, 'subnets', { network_id: id })) await deleteEntity(tx, 'subnets', subnet.id)
  await deleteEntity(tx, 'networks', id)
}

export const networkRoutes = [list, show, create, update, remove] as Route<NetworkDeps>[]
