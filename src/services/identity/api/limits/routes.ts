/** Registered limits (defaults of a service) and limits of projects and domains: made and listed in batches. */
import { Type } from 'typebox'
import { Conflict, Forbidden } from '../../../../platform/http/errors.ts'
import { last, route, type ApiRequest, type Query, type Route } from '../../../../platform/http/route.ts'
import type { IdentityDeps } from '../../deps.ts'
import { IdentityConflict, IdentityNotFound } from '../../errors.ts'
import { policy } from '../../policies.ts'
import { deleteRows, findRow, insertRow, listRows, updateRow, type Condition, type Row } from '../../store/rows.ts'
import { collection, withLinks } from '../links.ts'
import { newId } from '../resource.ts'
import { kinds } from '../schema.ts'
import { viewLimit, viewRegistered } from './view.ts'

const common = {
  service_id: kinds.id,
  region_id: Type.Optional(kinds.nullableText),
  resource_name: kinds.name,
  description: Type.Optional(kinds.description),
}
const registered = Type.Object({ ...common, default_limit: kinds.integer }, { additionalProperties: false })
const limit = Type.Object(
  {
    ...common,
    project_id: Type.Optional(kinds.optionalId),
    domain_id: Type.Optional(kinds.optionalId),
    resource_limit: kinds.integer,
  },
  { additionalProperties: false },
)

const filters = (query: Query, names: readonly string[]): Condition[] =>
  names.flatMap((column) => {
    const value = last(query, column)
    return value === undefined ? [] : [{ column, operator: '=' as const, value }]
  })

const requireService = async ({ database: { db } }: IdentityDeps, id: string) => {
  if (!(await findRow(db, 'services', { id }))) throw new IdentityNotFound('service', id)
}

const createRegistered = route({
  method: 'POST',
  path: '/registered_limits',
  policy: policy('create_registered_limits'),
  body: Type.Object({ registered_limits: Type.Array(registered, { minItems: 1 }) }),
  async handle({ ctx, body, baseUrl }, deps: IdentityDeps) {
    ctx.authorize(policy('create_registered_limits'))
    for (const each of body.registered_limits) await requireService(deps, each.service_id)
    const rows = body.registered_limits.map((each) => ({
      id: newId(),
      ...each,
      region_id: each.region_id ?? '',
      description: each.description ?? null,
    }))
    await deps.database.transaction(async (tx) => {
      for (const row of rows) {
        if (!(await insertRow(tx, 'registered_limits', row)))
          throw new IdentityConflict('registered_limit', 'Duplicate entry')
      }
    })
    return {
      status: 201,
      body: { registered_limits: rows.map((row) => withLinks(baseUrl, 'registered_limits', viewRegistered(row))) },
    }
  },
})

const listRegistered = route({
  method: 'GET',
  path: '/registered_limits',
  policy: policy('list_registered_limits'),
  async handle({ ctx, query, baseUrl, url }: ApiRequest<never>, { database: { db } }: IdentityDeps) {
    ctx.authorize(policy('list_registered_limits'))
    const rows = await listRows(db, 'registered_limits', filters(query, ['service_id', 'region_id', 'resource_name']))
    return collection(
      'registered_limits',
      rows.map((row) => withLinks(baseUrl, 'registered_limits', viewRegistered(row))),
      baseUrl + url,
    )
  },
})

async function loadRegistered({ database: { db } }: IdentityDeps, id: string) {
  const row = await findRow(db, 'registered_limits', { id })
  if (!row) throw new IdentityNotFound('registered limit for', id)
  return row
}

const showRegistered = route({
  method: 'GET',
  path: '/registered_limits/:id',
  policy: policy('get_registered_limit'),
  async handle({ ctx, params, baseUrl }: ApiRequest<never>, deps: IdentityDeps) {
    ctx.authorize(policy('get_registered_limit'))
    const row = await loadRegistered(deps, params['id'] ?? '')
    return { status: 200, body: { registered_limit: withLinks(baseUrl, 'registered_limits', viewRegistered(row)) } }
  },
})

const updateRegistered = route({
  method: 'PATCH',
  path: '/registered_limits/:id',
  policy: policy('update_registered_limit'),
  body: Type.Object({ registered_limit: Type.Partial(registered, { additionalProperties: false }) }),
  async handle({ ctx, params, body, baseUrl }, deps: IdentityDeps) {
    ctx.authorize(policy('update_registered_limit'))
    const row = await loadRegistered(deps, params['id'] ?? '')
    const { region_id, ...rest } = body.registered_limit
    const result = await updateRow(deps.database.db, 'registered_limits', row.id, {
      ...rest,
      ...(region_id !== undefined && { region_id: region_id ?? '' }),
    })
    if (result === 'taken') throw new IdentityConflict('registered_limit', 'Duplicate entry')
    const changed = await loadRegistered(deps, row.id)
    return { status: 200, body: { registered_limit: withLinks(baseUrl, 'registered_limits', viewRegistered(changed)) } }
  },
})

const deleteRegistered = route({
  method: 'DELETE',
  path: '/registered_limits/:id',
  policy: policy('delete_registered_limit'),
  async handle({ ctx, params }: ApiRequest<never>, deps: IdentityDeps) {
    ctx.authorize(policy('delete_registered_limit'))
    const row = await loadRegistered(deps, params['id'] ?? '')
    const { service_id, resource_name, region_id } = row
    if (await findRow(deps.database.db, 'limits', { service_id, resource_name, region_id })) {
      throw new Forbidden(
        `Unable to update or delete registered limit ${row.id} because there are project limits associated with it.`,
      )
    }
    await deleteRows(deps.database.db, 'registered_limits', { id: row.id })
    return { status: 204 }
  },
})

const createLimits = route({
  method: 'POST',
  path: '/limits',
  policy: policy('create_limits'),
  body: Type.Object({ limits: Type.Array(limit, { minItems: 1 }) }),
  async handle({ ctx, body, baseUrl }, deps: IdentityDeps) {
    ctx.authorize(policy('create_limits'))
    const rows = body.limits.map((each) => ({
      id: newId(),
      ...each,
      project_id: each.project_id ?? '',
      domain_id: each.domain_id ?? '',
      region_id: each.region_id ?? '',
      description: each.description ?? null,
    }))
    await deps.database.transaction(async (tx) => {
      for (const row of rows) {
        const { service_id, resource_name, region_id } = row
        if (!(await findRow(tx, 'registered_limits', { service_id, resource_name, region_id }))) {
          throw new Forbidden(`Unable to create a limit that has no corresponding registered limit: ${resource_name}.`)
        }
        if (!(await insertRow(tx, 'limits', row))) throw new IdentityConflict('limit', 'Duplicate entry')
      }
    })
    return { status: 201, body: { limits: rows.map((row) => withLinks(baseUrl, 'limits', viewLimit(row))) } }
  },
})

async function limitTarget({ database: { db } }: IdentityDeps, row: Row<'limits'>) {
  const project = row.project_id === '' ? undefined : await findRow(db, 'projects', { id: row.project_id })
  return {
    target: {
      limit: {
        project_id: row.project_id || null,
        domain_id: row.domain_id || null,
        domain: { id: row.domain_id || null },
        project: { domain_id: project?.domain_id ?? null },
      },
    },
  }
}

const listLimits = route({
  method: 'GET',
  path: '/limits',
  policy: policy('list_limits'),
  async handle({ ctx, query, baseUrl, url }: ApiRequest<never>, { database: { db } }: IdentityDeps) {
    ctx.authorize(policy('list_limits'))
    const rows = await listRows(
      db,
      'limits',
      filters(query, ['service_id', 'region_id', 'resource_name', 'project_id', 'domain_id']),
    )
    const visible = rows.filter(
      (row) =>
        ctx.isAdmin ||
        ctx.systemScope === 'all' ||
        row.project_id === ctx.projectId ||
        (row.domain_id !== '' && row.domain_id === ctx.domainId),
    )
    return collection(
      'limits',
      visible.map((row) => withLinks(baseUrl, 'limits', viewLimit(row))),
      baseUrl + url,
    )
  },
})

async function loadLimit({ database: { db } }: IdentityDeps, id: string) {
  const row = await findRow(db, 'limits', { id })
  if (!row) throw new IdentityNotFound('limit for', id)
  return row
}

const showModel = route({
  method: 'GET',
  path: '/limits/model',
  policy: policy('get_limit_model'),
  handle: () => ({
    status: 200,
    body: {
      model: {
        name: 'flat',
        description: 'Limit enforcement and validation does not take project hierarchy into consideration.',
      },
    },
  }),
})

const showLimit = route({
  method: 'GET',
  path: '/limits/:id',
  policy: policy('get_limit'),
  async handle({ ctx, params, baseUrl }: ApiRequest<never>, deps: IdentityDeps) {
    const row = await loadLimit(deps, params['id'] ?? '')
    ctx.authorize(policy('get_limit'), await limitTarget(deps, row))
    return { status: 200, body: { limit: withLinks(baseUrl, 'limits', viewLimit(row)) } }
  },
})

const updateLimit = route({
  method: 'PATCH',
  path: '/limits/:id',
  policy: policy('update_limit'),
  body: Type.Object({
    limit: Type.Object(
      { resource_limit: Type.Optional(kinds.integer), description: Type.Optional(kinds.description) },
      { additionalProperties: false },
    ),
  }),
  async handle({ ctx, params, body, baseUrl }, deps: IdentityDeps) {
    ctx.authorize(policy('update_limit'))
    const row = await loadLimit(deps, params['id'] ?? '')
    if ((await updateRow(deps.database.db, 'limits', row.id, body.limit)) === 'taken')
      throw new Conflict('Duplicate limit.')
    return { status: 200, body: { limit: withLinks(baseUrl, 'limits', viewLimit(await loadLimit(deps, row.id))) } }
  },
})

const deleteLimit = route({
  method: 'DELETE',
  path: '/limits/:id',
  policy: policy('delete_limit'),
  async handle({ ctx, params }: ApiRequest<never>, deps: IdentityDeps) {
    ctx.authorize(policy('delete_limit'))
    const row = await loadLimit(deps, params['id'] ?? '')
    await deleteRows(deps.database.db, 'limits', { id: row.id })
    return { status: 204 }
  },
})

export const limitRoutes: Route<IdentityDeps>[] = [
  createRegistered,
  listRegistered,
  showRegistered,
  updateRegistered,
  deleteRegistered,
  createLimits,
  listLimits,
  showModel,
  showLimit,
  updateLimit,
  deleteLimit,
]
