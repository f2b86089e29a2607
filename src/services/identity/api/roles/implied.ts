/** Role inference: having one role implies another. */
import { Forbidden } from '../../../../platform/http/errors.ts'
import { route, type ApiRequest } from '../../../../platform/http/route.ts'
import type { IdentityDeps } from '../../deps.ts'
import { IdentityNotFound } from '../../errors.ts'
import { policy } from '../../policies.ts'
import { deleteRows, findRow, insertRow, listRows, type Row } from '../../store/rows.ts'
import { withImplied } from '../../store/roles.ts'
import { load } from '../resource.ts'
import { roles } from './resource.ts'

const ref = (row: Row<'roles'>, baseUrl: string) => ({
  id: row.id,
  name: row.name,
  links: { self: `${baseUrl}/v3/roles/${row.id}` },
})

const listInferences = route({
  method: 'GET',
  path: '/role_inferences',
  policy: policy('list_role_inference_rules'),
  async handle({ ctx, baseUrl, url }: ApiRequest<never>, { database: { db } }: IdentityDeps) {
    ctx.authorize(policy('list_role_inference_rules'))
    const byId = new Map((await listRows(db, 'roles')).map((row) => [row.id, row]))
    const implied = new Map<string, Row<'roles'>[]>()
    for (const { prior_role_id, implied_role_id } of await listRows(db, 'implied_roles')) {
      const list = implied.get(prior_role_id) ?? []
      implied.set(prior_role_id, [...list, byId.get(implied_role_id)!])
    }
    const inferences = [...implied].map(([prior, each]) => ({
      prior_role: ref(byId.get(prior)!, baseUrl),
      implies: each.map((row) => ref(row, baseUrl)),
    }))
    return {
      status: 200,
      body: { role_inferences: inferences, links: { self: baseUrl + url, next: null, previous: null } },
    }
  },
})

const listImplied = route({
  method: 'GET',
  path: '/roles/:id/implies',
  policy: policy('list_implied_roles'),
  async handle({ ctx, params, baseUrl, url }: ApiRequest<never>, deps: IdentityDeps) {
    ctx.authorize(policy('list_implied_roles'))
    const prior = await load(roles, deps, params['id'] ?? '')
    const rows = await listRows(deps.database.db, 'implied_roles', [
      { column: 'prior_role_id', operator: '=', value: prior.id },
    ])
    const implies = await Promise.all(
      rows.map(async (row) => ref(await load(roles, deps, row.implied_role_id), baseUrl)),
    )
    return {
      status: 200,
      body: { role_inference: { prior_role: ref(prior, baseUrl), implies }, links: { self: baseUrl + url } },
    }
  },
})

async function pair({ params }: ApiRequest<never>, deps: IdentityDeps) {
  const prior = await load(roles, deps, params['id'] ?? '')
  const implied = await load(roles, deps, params['implied_id'] ?? '')
  return { prior, implied, row: { prior_role_id: prior.id, implied_role_id: implied.id } }
}

const view = (prior: Row<'roles'>, implied: Row<'roles'>, baseUrl: string) => ({
  role_inference: { prior_role: ref(prior, baseUrl), implies: ref(implied, baseUrl) },
})

const create = route({
  method: 'PUT',
  path: '/roles/:id/implies/:implied_id',
  policy: policy('create_implied_role'),
  async handle(request: ApiRequest<never>, deps: IdentityDeps) {
    request.ctx.authorize(policy('create_implied_role'))
    const { prior, implied, row } = await pair(request, deps)
    const { db } = deps.database
    if ((await withImplied(db, new Set([implied.id]))).has(prior.id)) {
      throw new Forbidden(`Role ${implied.name} cannot be implied by ${prior.name}: that would be a cycle.`)
    }
    await insertRow(db, 'implied_roles', row)
    deps.changed()
    return { status: 201, body: view(prior, implied, request.baseUrl) }
  },
})

const show = route({
  method: 'GET',
  path: '/roles/:id/implies/:implied_id',
  policy: policy('get_implied_role'),
  async handle(request: ApiRequest<never>, deps: IdentityDeps) {
    request.ctx.authorize(policy('get_implied_role'))
    const { prior, implied, row } = await pair(request, deps)
    if (!(await findRow(deps.database.db, 'implied_roles', row))) throw new IdentityNotFound('implied role', implied.id)
    return { status: 200, body: view(prior, implied, request.baseUrl) }
  },
})

const remove = route({
  method: 'DELETE',
  path: '/roles/:id/implies/:implied_id',
  policy: policy('delete_implied_role'),
  async handle(request: ApiRequest<never>, deps: IdentityDeps) {
    request.ctx.authorize(policy('delete_implied_role'))
    const { implied, row } = await pair(request, deps)
    if ((await deleteRows(deps.database.db, 'implied_roles', row)) === 0)
      throw new IdentityNotFound('implied role', implied.id)
    deps.changed()
    return { status: 204 }
  },
})

export const impliedRoutes = [listInferences, listImplied, create, show, remove]
