import { Type } from 'typebox'
import type { Context } from '../../../platform/auth/context.ts'
import { route, type ApiRequest, type Route } from '../../../platform/http/route.ts'
import type { NetworkDeps } from '../deps.ts'
import { badAttribute, networkNotFound, portInUse, portNotFound, securityGroupNotFound } from '../errors.ts'
import { parseAddress, parsePrefix } from '../model/address.ts'
import { changePort, insertPort, removePort, type PortInput, tellOfAddresses } from '../operations/ports.ts'
import { requireQuota } from '../operations/quota.ts'
import { policy } from '../policies.ts'
import { findRow, listRows, type NetworkDb, type Row } from '../store/rows.ts'
import { networkTarget } from './networks.ts'
import { page, pick, standard, type View } from './listing.ts'
import { kinds, ownerOf } from './schema.ts'

const fixedIp = Type.Object(
  { subnet_id: Type.Optional(kinds.uuid), ip_address: Type.Optional(Type.String()) },
  { additionalProperties: false },
)
const attributes = {
  name: Type.Optional(kinds.name),
  description: Type.Optional(kinds.name),
  admin_state_up: Type.Optional(kinds.boolean),
  device_id: Type.Optional(kinds.name),
  device_owner: Type.Optional(kinds.name),
  mac_address: Type.Optional(kinds.mac),
  fixed_ips: Type.Optional(Type.Array(fixedIp, { maxItems: 5 })),
  port_security_enabled: Type.Optional(kinds.boolean),
  security_groups: Type.Optional(Type.Array(kinds.uuid, { maxItems: 50 })),
  allowed_address_pairs: Type.Optional(
    Type.Array(
      Type.Object(
        { ip_address: Type.String(), mac_address: Type.Optional(kinds.mac) },
        { additionalProperties: false },
      ),
      { maxItems: 10 },
    ),
  ),
  extra_dhcp_opts: Type.Optional(
    Type.Array(
      Type.Object(
        {
          opt_name: Type.String({ pattern: '^[A-Za-z0-9-]{1,64}$' }),
          opt_value: Type.Union([Type.Null(), Type.String({ maxLength: 255, pattern: '^[^\\x00-\\x1f]*$' })]),
          ip_version: Type.Optional(Type.Enum([4, 6])),
        },
        { additionalProperties: false },
      ),
      { maxItems: 20 },
    ),
  ),
  'binding:host_id': Type.Optional(kinds.nullableText),
  'binding:vnic_type': Type.Optional(Type.Enum(['normal'])),
  'binding:profile': Type.Optional(Type.Union([Type.Null(), Type.Object({})])),
}
const createPort = Type.Object(
  { ...attributes, ...kinds.owner, network_id: kinds.uuid },
  { additionalProperties: false },
)

interface Surroundings {
  network: Row<'networks'> | undefined
  addresses: readonly Row<'ip_allocations'>[]
}

const target = (row: { project_id: string; device_owner: string }, network: Row<'networks'> | undefined) => ({
  project_id: row.project_id,
  tenant_id: row.project_id,
  'network:project_id': network?.project_id,
  shared: network?.shared === 1,
  is_network_device: row.device_owner.startsWith('network:'),
})

const viewPort = (row: Row<'ports'>, { network, addresses }: Surroundings, ctx: Context): View => ({
  ...standard(row),
  network_id: row.network_id,
  mac_address: row.mac_address,
  admin_state_up: row.admin_state_up === 1,
  status: row.status,
  device_id: row.device_id,
  device_owner: row.device_owner,
  fixed_ips: addresses.map((each) => ({ subnet_id: each.subnet_id, ip_address: each.ip })),
  port_security_enabled: row.port_security_enabled === 1,
  security_groups: JSON.parse(row.security_groups) as unknown,
  allowed_address_pairs: JSON.parse(row.allowed_address_pairs) as unknown,
  extra_dhcp_opts: JSON.parse(row.extra_dhcp_opts) as unknown,
  'binding:vnic_type': row.vnic_type,
  ...(ctx.can(policy('get_port:binding:host_id'), target(row, network)) && {
    'binding:host_id': row.host_id,
    'binding:vif_type': row.vif_type,
    'binding:vif_details': row.vif_type === 'bridge' ? { port_filter: true, connectivity: 'l2' } : {},
    'binding:profile': JSON.parse(row.profile) as unknown,
  }),
})

async function viewAll(
  db: NetworkDb,
  rows: readonly Row<'ports'>[],
  networks: ReadonlyMap<string, Row<'networks'>>,
  ctx: Context,
): Promise<View[]> {
  const addresses = Map.groupBy(
    await listRows(db, 'ip_allocations', { port_id: rows.map((row) => row.id) }),
    (each) => each.port_id,
  )
  return rows.map((row) =>
    viewPort(row, { network: networks.get(row.network_id), addresses: addresses.get(row.id) ?? [] }, ctx),
  )
}

const networksById = async (db: NetworkDb, ids?: string[]) =>
  new Map((await listRows(db, 'networks', { id: ids })).map((row) => [row.id, row]))

const list = route({
  method: 'GET',
  path: '/ports',
  policy: policy('get_port'),
  async handle({ ctx, query, baseUrl, url }: ApiRequest<never>, { database: { db } }: NetworkDeps) {
    const rows = await listRows(db, 'ports', {
      id: query['id'],
      device_id: query['device_id'],
      network_id: query['network_id'],
    })
    const networks = await networksById(db)
    const seen = rows.filter((row) => ctx.can(policy('get_port'), target(row, networks.get(row.network_id))))
    return page('ports', await viewAll(db, seen, networks, ctx), query, baseUrl + url)
  },
})

async function visible(ctx: Context, { database: { db } }: NetworkDeps, id: string) {
  const row = await findRow(db, 'ports', { id })
  const network = row && (await findRow(db, 'networks', { id: row.network_id }))
  if (!row || !ctx.can(policy('get_port'), target(row, network))) throw portNotFound(id)
  return { row, network: network! }
}

const view = async (deps: NetworkDeps, id: string, ctx: Context): Promise<View> => {
  const row = (await findRow(deps.database.db, 'ports', { id }))!
  const [shown] = await viewAll(deps.database.db, [row], await networksById(deps.database.db, [row.network_id]), ctx)
  return shown!
}

const show = route({
  method: 'GET',
  path: '/ports/:id',
  policy: policy('get_port'),
  async handle({ ctx, params, query }: ApiRequest<never>, deps: NetworkDeps) {
    const { row } = await visible(ctx, deps, params['id'] ?? '')
    return { status: 200, body: { port: pick(await view(deps, row.id, ctx), query) } }
  },
})

/** Each attribute that is somebody's privilege is refused by its own rule. */
function authorizeAttributes(
  ctx: Context,
  verb: 'create' | 'update',
  input: PortInput,
  projectId: string,
  network: Row<'networks'>,
) {
  const facts = target({ project_id: projectId, device_owner: input.device_owner ?? '' }, network)
  if (input.device_owner) ctx.authorize(policy(`${verb}_port:device_owner`), facts)
  if (input.mac_address !== undefined) ctx.authorize(policy(`${verb}_port:mac_address`), facts)
  for (const name of ['binding:host_id', 'binding:profile'] as const)
    if (input[name] !== undefined) ctx.authorize(policy(`${verb}_port:${name}`), facts)
}

/** Ids in the body are looked up as the caller: a foreign group does not exist for him. */
async function requireReferences(db: NetworkDb, ctx: Context, projectId: string, input: PortInput) {
  const wanted = [...new Set(input.security_groups ?? [])]
  const groups = await listRows(db, 'security_groups', { id: wanted })
  const missing = wanted.find(
    (id) =>
      !groups.some(
        (group) => group.id === id && (ctx.isAdmin || ctx.roles.includes('service') || group.project_id === projectId),
      ),
  )
  if (missing !== undefined) throw securityGroupNotFound(missing)
  for (const pair of input.allowed_address_pairs ?? []) {
    if (!parseAddress(pair.ip_address) && !parsePrefix(pair.ip_address))
      throw badAttribute('allowed_address_pairs', `'${pair.ip_address}' is not a valid IP address or subnet`)
  }
}

async function createOne(
  ctx: Context,
  deps: NetworkDeps,
  input: PortInput & { network_id: string; project_id?: string; tenant_id?: string },
): Promise<{ row: Row<'ports'>; network: Row<'networks'> }> {
  const projectId = ownerOf(ctx, input)
  return deps.change(async (tx) => {
    const network = await findRow(tx, 'networks', { id: input.network_id })
    // Users may join their own and shared networks; an external one is for routers and floating IPs only.
    if (!network || !ctx.can(policy('get_network'), { ...networkTarget(network), 'router:external': false }))
      throw networkNotFound(input.network_id)
    ctx.authorize(policy('create_port'), target({ project_id: projectId, device_owner: '' }, network))
    authorizeAttributes(ctx, 'create', input, projectId, network)
    await requireReferences(tx, ctx, projectId, input)
    await requireQuota(tx, deps, projectId, 'port')
    return { row: await insertPort(tx, deps, network, projectId, input), network }
  })
}

const create = route({
  method: 'POST',
  path: '/ports',
  policy: policy('create_port'),
  body: Type.Union([
    Type.Object({ port: createPort }),
    Type.Object({ ports: Type.Array(createPort, { minItems: 1, maxItems: 1000 }) }),
  ]),
  async handle({ ctx, body }, deps: NetworkDeps) {
    const { db } = deps.database
    const inputs = ('port' in body ? [body.port] : body.ports) as (PortInput & { network_id: string })[]
    const made: Row<'ports'>[] = []
    const networks = new Map<string, Row<'networks'>>()
    try {
      for (const input of inputs) {
        const { row, network } = await createOne(ctx, deps, input)
        made.push(row)
        networks.set(network.id, network)
      }
    } catch (error) {
      // All or none.
      if (made.length > 0)
        await deps.change(async (tx) => {
          for (const row of made) await removePort(tx, row)
        })
      throw error
    }
    const views = await viewAll(db, made, networks, ctx)
    return { status: 201, body: 'port' in body ? { port: views[0] } : { ports: views } }
  },
})

const update = route({
  method: 'PUT',
  path: '/ports/:id',
  policy: policy('update_port'),
  body: Type.Object({ port: Type.Object(attributes, { additionalProperties: false }) }),
  async handle({ ctx, params, body }, deps: NetworkDeps) {
    const input = body.port as PortInput
    const { row, network } = await visible(ctx, deps, params['id'] ?? '')
    ctx.authorize(policy('update_port'), target(row, network))
    authorizeAttributes(ctx, 'update', input, row.project_id, network)
    await deps.change(async (tx) => {
      await requireReferences(tx, ctx, row.project_id, input)
      await changePort(tx, deps, network, row, input)
    })
    if (input.fixed_ips !== undefined) await tellOfAddresses(deps, [row.id])
    return { status: 200, body: { port: await view(deps, row.id, ctx) } }
  },
})

const remove = route({
  method: 'DELETE',
  path: '/ports/:id',
  policy: policy('delete_port'),
  async handle({ ctx, params }: ApiRequest<never>, deps: NetworkDeps) {
    const { row, network } = await visible(ctx, deps, params['id'] ?? '')
    ctx.authorize(policy('delete_port'), target(row, network))
    if (/^network:(router_|floatingip)/.test(row.device_owner)) throw portInUse(row.id, row.device_owner)
    await deps.change((tx) => removePort(tx, row))
    if (row.device_owner.startsWith('compute:') && row.device_id !== '')
      deps.notifyCompute([{ name: 'network-vif-deleted', server: row.device_id, port: row.id }])
    return { status: 204 }
  },
})

export const portRoutes = [list, show, create, update, remove] as Route<NetworkDeps>[]
