/** Role inference: having one role implies another. */
import { Forbidden, NotFound } from '../../../../platform/errors.ts'
import type { ApiRequest } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import type { IdentityDeps } from '../../deps.ts'
import { IdentityConflict } from '../../errors.ts'
import { policy } from '../../policies.ts'
import { rolesImpliedBy, withImplied } from '../../store/roles.ts'
import { deleteRows, findRow, insertRow, listRows, type Row } from '../../store/rows.ts'
import { load } from '../kit/entity.ts'
import { roles } from './resource.ts'
import { Type } from 'typebox'
import { exactly } from '../../../../platform/http/answers.ts'
import { pageLinks, self, text } from '../answers.ts'

type Ref = Pick<Row<'roles'>, 'id' | 'name'>

const refAnswer = exactly({ id: text, name: text, links: self })
const inference = exactly({ prior_role: refAnswer, implies: Type.Array(refAnswer) })
const inferencesAnswer = exactly({ role_inferences: Type.Array(inference), links: pageLinks })
const pairAnswer = exactly({
  role_inference: exactly({ prior_role: refAnswer, implies: refAnswer }),
  links: self,
})

const ref = (row: Ref, baseUrl: string) => ({
  id: row.id,
  name: row.name,
  links: { self: `${baseUrl}/v3/roles/${row.id}` },
})

const listInferences = route({
  method: 'GET',
  path: '/role_inferences',
  policy: policy('list_role_inference_rules'),
  answer: { 200: inferencesAnswer },
  async handle({ ctx, baseUrl, url }, { database: { db } }) {
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
  answer: { 200: exactly({ role_inference: inference, links: self }) },
  async handle({ ctx, params, baseUrl, url }, deps) {
    ctx.authorize(policy('list_implied_roles'))
    const prior = await load(roles, deps, params.id)
    const rows = await rolesImpliedBy(deps.database.db, prior.id)
    const implies = rows.map((row) => ref(row, baseUrl))
    return {
      status: 200,
      body: { role_inference: { prior_role: ref(prior, baseUrl), implies }, links: { self: baseUrl + url } },
    }
  },
})

type PairParams = { id: string; implied_id: string }

interface Pair {
  prior: Row<'roles'>
  implied: Row<'roles'>
  row: { prior_role_id: string; implied_role_id: string }
}

async function pair({ params }: ApiRequest<unknown, PairParams>, deps: IdentityDeps): Promise<Pair> {
  const prior = await load(roles, deps, params.id)
  const implied = await load(roles, deps, params.implied_id)
  return { prior, implied, row: { prior_role_id: prior.id, implied_role_id: implied.id } }
}

const view = ({ prior, implied }: Pair, { baseUrl }: Pick<ApiRequest, 'baseUrl'>) => ({
  role_inference: { prior_role: ref(prior, baseUrl), implies: ref(implied, baseUrl) },
  links: { self: `${baseUrl}/v3/roles/${prior.id}/implies/${implied.id}` },
})

/** What may not be implied by this role: the configured ones, domains' roles by general ones, and what implies it. */
async function requireAllowed({ config, database: { db } }: IdentityDeps, { prior, implied }: Pair) {
  const isProhibited = config.prohibitedImpliedRoles.includes(implied.name)
  if (isProhibited || (prior.domain_id === '' && implied.domain_id !== '')) {
    throw new Forbidden(`${implied.id} cannot be an implied roles.`)
  }
  if ((await withImplied(db, new Set([implied.id]))).has(prior.id)) {
    throw new Forbidden(`Role ${implied.name} cannot be implied by ${prior.name}: that would be a cycle.`)
  }
}

/** The two roles of the address, for who passes the rule. */
async function admitted(request: ApiRequest<unknown, PairParams>, deps: IdentityDeps, rule: string): Promise<Pair> {
  request.ctx.authorize(policy(rule))
  return pair(request, deps)
}

async function requireImplied({ database: { db } }: IdentityDeps, { row }: Pair) {
  if (await findRow(db, 'implied_roles', row)) return
  throw new NotFound(`${row.prior_role_id} does not imply ${row.implied_role_id}.`)
}

const path = '/roles/:id/implies/:implied_id'

const create = route({
  method: 'PUT',
  path,
  policy: policy('create_implied_role'),
  answer: { 201: pairAnswer },
  async handle(request, deps) {
    const found = await admitted(request, deps, 'create_implied_role')
    await requireAllowed(deps, found)
    if (!(await insertRow(deps.database.db, 'implied_roles', found.row))) {
      throw new IdentityConflict('implied_role', 'Duplicate entry')
    }
    deps.changed()
    return { status: 201, body: view(found, request) }
  },
})

const show = route({
  method: 'GET',
  path,
  policy: policy('get_implied_role'),
  answer: { 200: pairAnswer },
  async handle(request, deps) {
    const found = await admitted(request, deps, 'get_implied_role')
    await requireImplied(deps, found)
    return { status: 200, body: view(found, request) }
  },
})

/** Keystone answers its own status and has a rule of its own here. */
const check = route({
  method: 'HEAD',
  path,
  policy: policy('check_implied_role'),
  answer: { 204: null },
  async handle(request, deps) {
    await requireImplied(deps, await admitted(request, deps, 'check_implied_role'))
    return { status: 204 }
  },
})

const remove = route({
  method: 'DELETE',
  path,
  policy: policy('delete_implied_role'),
  answer: { 204: null },
  async handle(request, deps) {
    const found = await admitted(request, deps, 'delete_implied_role')
    await requireImplied(deps, found)
    await deleteRows(deps.database.db, 'implied_roles', found.row)
    deps.changed()
    return { status: 204 }
  },
})

export const impliedRoutes = [listInferences, listImplied, create, show, check, remove]
