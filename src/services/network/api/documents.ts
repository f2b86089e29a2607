/** Versions, extensions, quotas. */
import { Type } from 'typebox'
import { route, type ApiRequest, type Route } from '../../../platform/http/route.ts'
import type { NetworkDeps } from '../deps.ts'
import { badRequest, notFound } from '../errors.ts'
import { defaultQuotas, quotaResources, quotasOf, setQuotas, usedOf } from '../operations/quota.ts'
import { policy } from '../policies.ts'
import { deleteRows, listRows } from '../store/rows.ts'

const versionOf = (baseUrl: string) => ({
  id: 'v2.0',
  status: 'CURRENT',
  links: [{ rel: 'self', href: `${baseUrl}/v2.0/` }],
})

const listVersions = route({
  method: 'GET',
  path: '/',
  policy: null,
  auth: 'none',
  handle: ({ baseUrl }: ApiRequest<never>) => ({ status: 200, body: { versions: [versionOf(baseUrl)] } }),
})

const collections = [
  'networks',
  'subnets',
  'ports',
  'routers',
  'floatingips',
  'security-groups',
  'security-group-rules',
  'agents',
  'quotas',
  'extensions',
]

const showVersion = route({
  method: 'GET',
  path: '/v2.0',
  policy: null,
  auth: 'none',
  handle: ({ baseUrl }: ApiRequest<never>) => ({
    status: 200,
    body: {
      resources: collections.map((name) => ({
        name: name.replace(/s$/, ''),
        collection: name,
        links: [{ rel: 'self', href: `${baseUrl}/v2.0/${name}` }],
      })),
    },
  }),
})

/** Only what is built: clients decide by this list what they ask for. */
const extensions: readonly [alias: string, name: string][] = [
  ['agent', 'agent'],
  ['allowed-address-pairs', 'Allowed Address Pairs'],
  ['binding', 'Port Binding'],
  ['ext-gw-mode', 'Neutron L3 Configurable external gateway mode'],
  ['external-net', 'Neutron external network'],
  ['extra_dhcp_opt', 'Neutron Extra DHCP options'],
  ['extraroute', 'Neutron Extra Route'],
  ['net-mtu', 'Network MTU'],
  ['net-mtu-writable', 'Network MTU (writable)'],
  ['pagination', 'Pagination support'],
  ['port-security', 'Port Security'],
  ['project-id', 'project_id field enabled'],
  ['provider', 'Provider Network'],
  ['quotas', 'Quota management support'],
  ['quota_details', 'Quota details management support'],
  ['router', 'Neutron L3 Router'],
  ['security-group', 'security-group'],
  ['sorting', 'Sorting support'],
  ['standard-attr-description', 'standard-attr-description'],
  ['standard-attr-revisions', 'Resource revision numbers'],
  ['standard-attr-timestamp', 'Resource timestamps'],
  ['stateful-security-group', 'Stateful security group'],
]
const viewExtension = ([alias, name]: readonly [string, string]) => ({
  alias,
  name,
  description: name,
  links: [],
  updated: '2024-04-01T00:00:00-00:00',
})

const listExtensions = route({
  method: 'GET',
  path: '/extensions',
  policy: null,
  handle: () => ({ status: 200, body: { extensions: extensions.map(viewExtension) } }),
})

const showExtension = route({
  method: 'GET',
  path: '/extensions/:alias',
  policy: null,
  handle({ params }: ApiRequest<never>) {
    const found = extensions.find(([alias]) => alias === params['alias'])
    if (!found) throw notFound('ExtensionNotFound', `Extension with alias ${params['alias']} does not exist`)
    return { status: 200, body: { extension: viewExtension(found) } }
  },
})

const project = (request: ApiRequest<never>) => request.params['project_id'] ?? ''

const showQuota = route({
  method: 'GET',
  path: '/quotas/:project_id',
  policy: policy('get_quota'),
  async handle(request: ApiRequest<never>, deps: NetworkDeps) {
    request.ctx.authorize(policy('get_quota'), { project_id: project(request) })
    return { status: 200, body: { quota: await quotasOf(deps.database.db, deps, project(request)) } }
  },
})

const showDefaultQuota = route({
  method: 'GET',
  path: '/quotas/:project_id/default',
  policy: policy('get_quota'),
  handle(request: ApiRequest<never>, deps: NetworkDeps) {
    request.ctx.authorize(policy('get_quota'), { project_id: project(request) })
    return { status: 200, body: { quota: defaultQuotas(deps) } }
  },
})

const showQuotaDetails = route({
  method: 'GET',
  path: '/quotas/:project_id/details.json',
  policy: policy('get_quota'),
  async handle(request: ApiRequest<never>, deps: NetworkDeps) {
    request.ctx.authorize(policy('get_quota'), { project_id: project(request) })
    const limits = await quotasOf(deps.database.db, deps, project(request))
    const pairs = quotaResources.map(async (name) => [
      name,
      { limit: limits[name], used: await usedOf(deps.database.db, project(request), name), reserved: 0 },
    ])
    return { status: 200, body: { quota: Object.fromEntries(await Promise.all(pairs)) as object } }
  },
})

const listQuotas = route({
  method: 'GET',
  path: '/quotas',
  policy: policy('update_quota'),
  async handle({ ctx }: ApiRequest<never>, deps: NetworkDeps) {
    ctx.authorize(policy('update_quota'))
    const ids = [...new Set((await listRows(deps.database.db, 'quotas')).map((row) => row.project_id))]
    const quotas = ids.map(async (id) => ({
      ...(await quotasOf(deps.database.db, deps, id)),
      project_id: id,
      tenant_id: id,
    }))
    return { status: 200, body: { quotas: await Promise.all(quotas) } }
  },
})

const updateQuota = route({
  method: 'PUT',
  path: '/quotas/:project_id',
  policy: policy('update_quota'),
  body: Type.Object({ quota: Type.Record(Type.String(), Type.Integer({ minimum: -1, maximum: 2147483647 })) }),
  async handle({ ctx, params, body: { quota } }, deps: NetworkDeps) {
    ctx.authorize(policy('update_quota'))
    const unknown = Object.keys(quota).find((name) => !(quotaResources as string[]).includes(name))
    if (unknown !== undefined) throw badRequest('HTTPBadRequest', `Unrecognized attribute(s) '${unknown}'`)
    await setQuotas(deps, params['project_id'] ?? '', quota)
    return { status: 200, body: { quota: await quotasOf(deps.database.db, deps, params['project_id'] ?? '') } }
  },
})

const deleteQuota = route({
  method: 'DELETE',
  path: '/quotas/:project_id',
  policy: policy('delete_quota'),
  async handle({ ctx, params }: ApiRequest<never>, { database: { db } }: NetworkDeps) {
    ctx.authorize(policy('delete_quota'))
    await deleteRows(db, 'quotas', { project_id: params['project_id'] ?? '' })
    return { status: 204 }
  },
})

export const rootRoutes = [listVersions, showVersion] as Route<NetworkDeps>[]
export const documentRoutes = [
  listExtensions,
  showExtension,
  showQuota,
  showDefaultQuota,
  showQuotaDetails,
  listQuotas,
  updateQuota,
  deleteQuota,
] as Route<NetworkDeps>[]
