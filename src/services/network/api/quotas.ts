import { Type, type TSchema } from 'typebox'
import type { Context } from '../../../platform/auth/context.ts'
import type { Shown } from '../../../platform/http/answers.ts'
import type { ApiRequest } from '../../../platform/http/route.ts'
import { route } from './route.ts'
import type { NetworkDeps } from '../deps.ts'
import { badRequest, notFound } from '../errors.ts'
import {
  allQuotas,
  defaultQuotas,
  quotaResources,
  quotasOf,
  requireRoom,
  setQuotas,
  usedOf,
  type QuotaResource,
} from '../operations/quota.ts'
import { policy } from '../policies.ts'
import { deleteRows } from '../store/rows.ts'
import { shown } from './kit/answers.ts'
import { closed } from './kit/schema.ts'
import { ownedBy } from './kit/targets.ts'

const byResource = <S extends TSchema>(each: S) =>
  closed(Object.fromEntries(quotaResources.map((name) => [name, each])) as Record<QuotaResource, S>)
const limits = byResource(shown.integer)
const usage = closed({ limit: shown.integer, used: shown.integer, reserved: shown.integer })
const limitsOfProject = closed({ ...limits.properties, project_id: shown.text, tenant_id: shown.text })
const answer = { 200: closed({ quota: limits }) }

const projectOf = (request: Pick<ApiRequest<unknown, { project_id: string }>, 'params'>) => request.params.project_id

/** Everybody may know what his own project has. */
function authorizeRead(ctx: Context, projectId: string) {
  if (projectId !== ctx.projectId) ctx.authorize(policy('get_quota'), ownedBy(projectId))
}

const show = route({
  method: 'GET',
  path: '/quotas/:project_id',
  policy: policy('get_quota'),
  answer,
  async handle(request, deps) {
    authorizeRead(request.ctx, projectOf(request))
    return { status: 200, body: { quota: await quotasOf(deps.database.db, deps, projectOf(request)) } }
  },
})

const showDefault = route({
  method: 'GET',
  path: '/quotas/:project_id/default',
  policy: policy('get_quota'),
  answer,
  handle(request, deps) {
    authorizeRead(request.ctx, projectOf(request))
    return { status: 200, body: { quota: defaultQuotas(deps) } }
  },
})

async function details(request: ApiRequest<unknown, { project_id: string }>, deps: NetworkDeps) {
  const { db } = deps.database
  authorizeRead(request.ctx, projectOf(request))
  const limits = await quotasOf(db, deps, projectOf(request))
  const pairs = quotaResources.map(async (name) => [
    name,
    { limit: limits[name], used: await usedOf(db, projectOf(request), name), reserved: 0 },
  ])
  const quota = Object.fromEntries(await Promise.all(pairs)) as Record<QuotaResource, Shown<typeof usage>>
  return { status: 200 as const, body: { quota } }
}

const showDetails = route({
  method: 'GET',
  path: '/quotas/:project_id/details',
  policy: policy('get_quota'),
  answer: { 200: closed({ quota: byResource(usage) }) },
  handle: details,
})

/** Whom a token speaks for: clients that know no project's id ask this first. */
const own = (['tenant', 'project'] as const).map((word) =>
  route({
    method: 'GET',
    path: `/quotas/${word}`,
    policy: null,
    answer: { 200: closed({ [word]: closed({ [`${word}_id`]: shown.text }) }) },
    handle: ({ ctx }) => {
      if (ctx.projectId === null) throw badRequest('QuotaMissingTenant', 'Tenant-id was missing from quota request.')
      return { status: 200, body: { [word]: { [`${word}_id`]: ctx.projectId } } }
    },
  }),
)

const list = route({
  method: 'GET',
  path: '/quotas',
  policy: policy('get_quota'),
  answer: { 200: closed({ quotas: Type.Array(limitsOfProject) }) },
  async handle({ ctx }, deps) {
    ctx.authorize(policy('get_quota'))
    return { status: 200, body: { quotas: await allQuotas(deps.database.db, deps) } }
  },
})

const change = Type.Object({ quota: Type.Record(Type.String(), Type.Unknown()) })
const largest = 2 ** 31 - 1

function readLimit(name: string, value: unknown): number {
  const number = typeof value === 'string' && /^-?\d{1,10}$/.test(value) ? Number(value) : value
  if (typeof number !== 'number' || !Number.isInteger(number) || number < -1 || number > largest)
    throw badRequest(
      'HTTPBadRequest',
      `Invalid input for ${name}. Reason: '${JSON.stringify(value)}' is not in range [-1, ${largest}].`,
    )
  return number
}

const update = route({
  method: 'PUT',
  path: '/quotas/:project_id',
  policy: policy('update_quota'),
  body: change,
  answer,
  async handle({ ctx, params, body }, deps) {
    ctx.authorize(policy('update_quota'))
    const projectId = params.project_id
    const { check_limit: check, force: _force, ...given } = body.quota as Record<string, unknown>
    const unknown = Object.keys(given).filter((name) => !(quotaResources as string[]).includes(name))
    if (unknown.length > 0) throw badRequest('HTTPBadRequest', `Unrecognized attribute(s) '${unknown.join(', ')}'`)
    const values = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, readLimit(name, value)]))
    if (check === true || /^(true|1)$/i.test(String(check))) await requireRoom(deps.database.db, projectId, values)
    await setQuotas(deps, projectId, values)
    return { status: 200, body: { quota: await quotasOf(deps.database.db, deps, projectId) } }
  },
})

const remove = route({
  method: 'DELETE',
  path: '/quotas/:project_id',
  policy: policy('delete_quota'),
  answer: { 204: null },
  async handle({ ctx, params }, { database: { db } }) {
    ctx.authorize(policy('delete_quota'))
    const projectId = params.project_id
    if ((await deleteRows(db, 'quotas', { project_id: projectId })) === 0)
      throw notFound('TenantQuotaNotFound', `Quota for tenant ${projectId} could not be found.`)
    return { status: 204 }
  },
})

export const quotaRoutes = [...own, show, showDefault, showDetails, list, update, remove]
