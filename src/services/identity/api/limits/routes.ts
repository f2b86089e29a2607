/** Limits of projects and domains: what of a resource they have instead of the registered default. */
import { Type, type Static } from 'typebox'
import type { Context } from '../../../../platform/auth/context.ts'
import { NotFound } from '../../../../platform/errors.ts'
import type { ApiRequest, Route } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import type { IdentityDeps } from '../../deps.ts'
import { models } from '../../model/limits.ts'
import { createLimits, updateLimit } from '../../operations/limits.ts'
import { policy } from '../../policies.ts'
import { limitsWithinDomain } from '../../store/limits.ts'
import type { Filter } from '../../store/listing.ts'
import { deleteRows, findRow, type Row } from '../../store/rows.ts'
import { withLinks } from '../links.ts'
import { newId } from '../../store/new-rows.ts'
import { answerListing } from '../kit/listing.ts'
import { kinds } from '../schema.ts'
import { registeredLimitRoutes } from './registered.ts'
import { limitAnswer, limitListing, viewLimit } from './view.ts'
import { exactly } from '../../../../platform/http/answers.ts'
import { linked, listAnswer, oneOf, text } from '../answers.ts'

const common = {
  service_id: kinds.id,
  region_id: Type.Optional(kinds.text),
  resource_name: Type.String({ minLength: 1, maxLength: 255 }),
  resource_limit: kinds.integer,
  description: Type.Optional(kinds.description),
}
const limit = Type.Union([
  Type.Object({ project_id: kinds.id, ...common }, { additionalProperties: false }),
  Type.Object({ domain_id: kinds.id, ...common }, { additionalProperties: false }),
])

const rowOf = (input: Static<typeof limit>) => ({
  id: newId(),
  service_id: input.service_id,
  resource_name: input.resource_name,
  resource_limit: input.resource_limit,
  project_id: 'project_id' in input ? input.project_id : '',
  domain_id: 'domain_id' in input ? input.domain_id : '',
  region_id: input.region_id ?? '',
  description: input.description ?? null,
})

const shown = (row: Row<'limits'>, baseUrl: string) => withLinks(baseUrl, 'limits', viewLimit(row))

const create = route({
  method: 'POST',
  path: '/limits',
  policy: policy('create_limits'),
  body: Type.Object({ limits: Type.Array(limit, { minItems: 1 }) }),
  answer: { 201: exactly({ limits: Type.Array(linked(limitAnswer)) }) },
  async handle({ ctx, body, baseUrl }, deps) {
    ctx.authorize(policy('create_limits'))
    const rows = await createLimits(deps, body.limits.map(rowOf))
    return { status: 201, body: { limits: rows.map((row) => shown(row, baseUrl)) } }
  },
})

/** Administrators and services, which enforce them, see all; a domain those of it and of its projects; a project its own. */
function visibleTo({ systemScope, domainId, projectId, roles }: Context): Filter[] {
  if (systemScope || roles.includes('admin') || roles.includes('service')) return []
  if (domainId === null) return [{ column: 'project_id', comparator: '=', value: projectId ?? 'none' }]
  return [limitsWithinDomain(domainId)]
}

const list = route({
  method: 'GET',
  path: '/limits',
  policy: policy('list_limits'),
  answer: listAnswer('limits', linked(limitAnswer)),
  handle(request, deps) {
    request.ctx.authorize(policy('list_limits'))
    return answerListing(limitListing, request, deps, visibleTo(request.ctx))
  },
})

const showModel = route({
  method: 'GET',
  path: '/limits/model',
  policy: policy('get_limit_model'),
  answer: { 200: exactly({ model: exactly({ name: text, description: text }) }) },
  handle({ ctx }, { config }) {
    ctx.authorize(policy('get_limit_model'))
    return { status: 200, body: { model: models[config.enforcementModel as keyof typeof models] } }
  },
})

const missing = (id: string) => new NotFound(`Could not find limit for ${id}.`)

const show = route({
  method: 'GET',
  path: '/limits/:id',
  policy: policy('get_limit'),
  answer: { 200: oneOf('limit', linked(limitAnswer)) },
  async handle({ ctx, params, baseUrl }, { database: { db } }) {
    const id = params.id
    const row = await findRow(db, 'limits', { id })
    const project = row && row.project_id !== '' ? await findRow(db, 'projects', { id: row.project_id }) : undefined
    ctx.authorize(policy('get_limit'), {
      target: {
        limit: {
          project_id: row?.project_id || null,
          domain_id: row?.domain_id || null,
          domain: { id: row?.domain_id || null },
          project: { domain_id: project?.domain_id ?? null },
        },
      },
    })
    if (!row) throw missing(id)
    return { status: 200, body: { limit: shown(row, baseUrl) } }
  },
})

/** The limit of the address. That it is not there is told before the rule is asked, as keystone does. */
async function load(
  { ctx, params }: Pick<ApiRequest<unknown, { id: string }>, 'ctx' | 'params'>,
  { database: { db } }: IdentityDeps,
  rule: string,
): Promise<Row<'limits'>> {
  const id = params.id
  const row = await findRow(db, 'limits', { id })
  if (!row) throw missing(id)
  ctx.authorize(policy(rule))
  return row
}

const update = route({
  method: 'PATCH',
  path: '/limits/:id',
  policy: policy('update_limit'),
  body: Type.Object({
    limit: Type.Object(
      { resource_limit: Type.Optional(kinds.integer), description: Type.Optional(kinds.description) },
      { additionalProperties: false },
    ),
  }),
  answer: { 200: oneOf('limit', linked(limitAnswer)) },
  async handle(request, deps) {
    const row = await load(request, deps, 'update_limit')
    const changed = await updateLimit(deps, row, request.body.limit)
    return { status: 200, body: { limit: shown(changed, request.baseUrl) } }
  },
})

const remove = route({
  method: 'DELETE',
  path: '/limits/:id',
  policy: policy('delete_limit'),
  answer: { 204: null },
  async handle(request, deps) {
    const { id } = await load(request, deps, 'delete_limit')
    await deleteRows(deps.database.db, 'limits', { id })
    return { status: 204 }
  },
})

export const limitRoutes: Route<IdentityDeps>[] = [
  ...registeredLimitRoutes,
  create,
  list,
  showModel,
  show,
  update,
  remove,
]
