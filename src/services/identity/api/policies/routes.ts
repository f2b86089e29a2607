/** Policies (texts that keystone only keeps) and OS-ENDPOINT-POLICY, which ties them to endpoints. */
import { Type } from 'typebox'
import { NotFound } from '../../../../platform/errors.ts'
import type { Method, Route } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import type { IdentityDeps } from '../../deps.ts'
import { policy } from '../../policies.ts'
import { endpointsOfPolicy, policyIdFor, setAssociation, type Place } from '../../store/policy-associations.ts'
import { deleteRows, findRow, insertRow, updateRow, type Row } from '../../store/rows.ts'
import { endpointAnswer, endpoints, viewEndpoint } from '../catalog/endpoints.ts'
import { services } from '../catalog/services.ts'
import { IdentityNotFound } from '../../errors.ts'
import { collection, withLinks } from '../links.ts'
import { entity, load } from '../kit/entity.ts'
import { extraOf, extras } from '../kit/extra.ts'
import { createRoute, readRoutes, removeRoute, updateRoute } from '../kit/resource.ts'
import { newId } from '../../store/new-rows.ts'
import { linked, listAnswer, oneOf, open, text } from '../answers.ts'

const attributes = { blob: Type.String(), type: Type.String({ maxLength: 255 }) }
const known = ['blob', 'type']

const policyAnswer = open({ id: text, type: text, blob: text })

const viewPolicy = (row: Row<'policies'>) => ({ ...extras(row), id: row.id, type: row.type, blob: row.content })

const policies = entity({
  table: 'policies',
  singular: 'policy',
  answer: policyAnswer,
  plural: 'policies',
  section: 'policy',
  filters: { type: { column: 'type' } },
  view: viewPolicy,
})

const policyEntityRoutes = [
  ...readRoutes(policies),
  createRoute(policies, {
    schema: Type.Object(attributes),
    async insert(_db, { database: { db } }, input) {
      const row = {
        id: newId(),
        content: input.blob,
        type: input.type,
        extra: extraOf(input, known),
      }
      await insertRow(db, 'policies', row)
      return row
    },
  }),
  updateRoute(policies, {
    schema: Type.Object(
      { blob: Type.Optional(attributes.blob), type: Type.Optional(attributes.type) },
      { minProperties: 1 },
    ),
    async apply(_db, { database: { db } }, row, input) {
      await updateRow(db, 'policies', row.id, {
        ...(input.blob !== undefined && { content: input.blob }),
        ...(input.type !== undefined && { type: input.type }),
        extra: extraOf(input, known, row.extra),
      })
    },
  }),
  removeRoute(policies, (_db, { database }, row) =>
    database.transaction(async (tx) => {
      await deleteRows(tx, 'policy_associations', { policy_id: row.id })
      await deleteRows(tx, 'policies', { id: row.id })
    }),
  ),
]

/** The policy and the place of an address, all of which exist. */
async function tie(
  params: { id: string; endpoint_id?: string; service_id?: string; region_id?: string },
  deps: IdentityDeps,
): Promise<{ policyId: string; place: Place }> {
  const row = await load(policies, deps, params.id)
  const { endpoint_id = '', service_id = '', region_id = '' } = params
  if (endpoint_id !== '') await load(endpoints, deps, endpoint_id)
  if (service_id !== '') await load(services, deps, service_id)
  if (region_id !== '' && !(await findRow(deps.database.db, 'regions', { id: region_id }))) {
    throw new IdentityNotFound('region', region_id)
  }
  return { policyId: row.id, place: { endpoint_id, service_id, region_id } }
}

const places = [
  ['endpoint', '/endpoints/:endpoint_id'],
  ['service', '/services/:service_id'],
  ['region_and_service', '/services/:service_id/regions/:region_id'],
] as const

const associations = places.flatMap(([name, path]) => {
  const one = (
    method: Method,
    verb: string,
    act: (deps: IdentityDeps, policyId: string, place: Place) => Promise<void>,
  ) => {
    const rule = policy(`${verb}_policy_association_for_${name}`)
    return route({
      method,
      path: `/policies/:id/OS-ENDPOINT-POLICY${path}`,
      policy: rule,
      answer: { 204: null },
      async handle(request, deps) {
        request.ctx.authorize(rule)
        const { policyId, place } = await tie(request.params, deps)
        await act(deps, policyId, place)
        return { status: 204 }
      },
    })
  }
  return [
    one('PUT', 'create', ({ database }, policyId, place) =>
      database.transaction((tx) => setAssociation(tx, policyId, place)),
    ),
    one('GET', 'check', async ({ database: { db } }, policy_id, place) => {
      if (await findRow(db, 'policy_associations', { policy_id, ...place })) return
      throw new NotFound('Could not find policy association.')
    }),
    one('DELETE', 'delete', async ({ database: { db } }, policy_id, place) => {
      await deleteRows(db, 'policy_associations', { policy_id, ...place })
    }),
  ]
})

const listEndpoints = route({
  method: 'GET',
  path: '/policies/:id/OS-ENDPOINT-POLICY/endpoints',
  policy: policy('list_endpoints_for_policy'),
  answer: listAnswer('endpoints', linked(endpointAnswer)),
  async handle({ ctx, params, baseUrl, url }, deps) {
    ctx.authorize(policy('list_endpoints_for_policy'))
    const row = await load(policies, deps, params.id)
    const rows = await endpointsOfPolicy(deps.database.db, row.id)
    return collection(
      'endpoints',
      rows.map((endpoint) => withLinks(baseUrl, 'endpoints', viewEndpoint(endpoint))),
      baseUrl + url,
    )
  },
})

const showPolicyOfEndpoint = route({
  method: 'GET',
  path: '/endpoints/:endpoint_id/OS-ENDPOINT-POLICY/policy',
  policy: policy('get_policy_for_endpoint'),
  answer: { 200: oneOf('policy', linked(policyAnswer)) },
  async handle({ ctx, params, baseUrl }, deps) {
    ctx.authorize(policy('get_policy_for_endpoint'))
    const endpoint = await load(endpoints, deps, params.endpoint_id)
    const id = await policyIdFor(deps.database.db, endpoint)
    if (id === undefined) throw new NotFound(`No policy is associated with endpoint ${endpoint.id}.`)
    const row = await load(policies, deps, id)
    return { status: 200, body: { policy: withLinks(baseUrl, 'policies', viewPolicy(row)) } }
  },
})

export const policyRoutes: Route<IdentityDeps>[] = [
  ...policyEntityRoutes,
  ...associations,
  listEndpoints,
  showPolicyOfEndpoint,
]
