/** Role inference: having one role implies another. */
import { Forbidden, NotFound } from '../../../../platform/http/errors.ts'
import type { ApiRequest, Method } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import type { IdentityDeps } from '../../deps.ts'
import { IdentityConflict } from '../../errors.ts'
import { policy } from '../../policies.ts'
import { withImplied } from '../../store/roles.ts'
import { deleteRows, findRow, insertRow, listRows, type Row } from '../../store/rows.ts'
import { load } from '../resource.ts'
import { roles } from './resource.ts'

type Ref = Pick<Row<'roles'>, 'id' | 'name'>

const ref = (row: Ref, baseUrl: string) => ({
  id: row.id,
  name: row.name,
  links: { self: `${baseUrl}/v3/roles/${row.id}` },
})

const listInferences = route({
  method: 'GET',
  path: '/role_inferences',
  policy: policy('list_role_inference_rules'),
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
  async handle({ ctx, params, baseUrl, url }, deps) {
    ctx.authorize(policy('list_implied_roles'))
    const prior = await load(roles, deps, params.id)
    const rows = await deps.database.db
      .selectFrom('implied_roles')
      .innerJoin('roles', 'roles.id', 'implied_roles.implied_role_id')
      .select(['roles.id', 'roles.name'])
      .where('prior_role_id', '=', prior.id)
      .orderBy('roles.id')
      .execute()
    const implies = rows.map((row) => ref(row, baseUrl))
    return {
      status: 200,
      body: { role_inference: { prior_role: ref(prior, baseUrl), implies }, links: { self: baseUrl + url } },
    }
  },
})

interface Pair {
  prior: Row<'roles'>
  implied: Row<'roles'>
  row: { prior_role_id: string; implied_role_id: string }
}

async function pair(
  { params }: ApiRequest<unknown, { id: string; implied_id: string }>,
  deps: IdentityDeps,
): Promise<Pair> {
  const prior = await load(roles, deps, params.id)
  const implied = await load(roles, deps, params.implied_id)
  return { prior, implied, row: { prior_role_id: prior.id, implied_role_id: implied.id } }
}

const view = ({ prior, implied }: Pair, { baseUrl }: ApiRequest) => ({
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

const one = (
  method: Method,
  rule: string,
  act: (request: ApiRequest, deps: IdentityDeps, pair: Pair) => Promise<{ status: number; body?: object }>,
) =>
  route({
    method,
    path: '/roles/:id/implies/:implied_id',
    policy: policy(rule),
    async handle(request, deps) {
      request.ctx.authorize(policy(rule))
      return act(request, deps, await pair(request, deps))
    },
  })

async function requireImplied({ database: { db } }: IdentityDeps, { row }: Pair) {
  if (await findRow(db, 'implied_roles', row)) return
  throw new NotFound(`${row.prior_role_id} does not imply ${row.implied_role_id}.`)
}

export const impliedRoutes = [
  listInferences,
  listImplied,
  one('PUT', 'create_implied_role', async (request, deps, found) => {
    await requireAllowed(deps, found)
    if (!(await insertRow(deps.database.db, 'implied_roles', found.row))) {
      throw new IdentityConflict('implied_role', 'Duplicate entry')
    }
    deps.changed()
    return { status: 201, body: view(found, request) }
  }),
  one('GET', 'get_implied_role', async (request, deps, found) => {
    await requireImplied(deps, found)
    return { status: 200, body: view(found, request) }
  }),
  // Keystone answers its own status and has a rule of its own here.
  one('HEAD', 'check_implied_role', async (_request, deps, found) => {
    await requireImplied(deps, found)
    return { status: 204 }
  }),
  one('DELETE', 'delete_implied_role', async (_request, deps, found) => {
    await requireImplied(deps, found)
    await deleteRows(deps.database.db, 'implied_roles', found.row)
    deps.changed()
    return { status: 204 }
  }),
]
