/** Access rules of users: made with application credentials, listed and deleted here. */
import { askedOf } from '../paging.ts'
import { Forbidden } from '../../../../platform/errors.ts'
import { type ApiRequest } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import type { IdentityDeps } from '../../deps.ts'
import { IdentityNotFound } from '../../errors.ts'
import { policy } from '../../policies.ts'
import { deleteRows, findRow, listRows, type Row } from '../../store/rows.ts'
import { bearerOf, requireNoTrust } from '../bearer.ts'
import { collection } from '../links.ts'
import { exactly } from '../../../../platform/http/answers.ts'
import { listAnswer, self, text } from '../answers.ts'

const base = '/users/:user_id/access_rules'
const kind = 'Access Rule'

const ruleAnswer = exactly({ id: text, service: text, method: text, path: text, links: self })

const view = (row: Row<'access_rules'>, baseUrl: string) => ({
  id: row.id,
  service: row.service,
  method: row.method,
  path: row.path,
  links: { self: `${baseUrl}/v3/users/${row.user_id}/access_rules/${row.id}` },
})

async function authorized({ ctx, params }: ApiRequest<unknown, { user_id: string }>, deps: IdentityDeps, rule: string) {
  const userId = params.user_id
  ctx.authorize(policy(rule), { user_id: userId, target: { user: { id: userId } } })
  requireNoTrust(await bearerOf(deps, ctx))
  return userId
}

async function find(
  { params }: ApiRequest<unknown, { id: string }>,
  { database: { db } }: IdentityDeps,
  userId: string,
) {
  const id = params.id
  const row = await findRow(db, 'access_rules', { id, user_id: userId })
  if (!row) throw new IdentityNotFound(kind, id)
  return row
}

const list = route({
  method: 'GET',
  path: base,
  policy: policy('list_access_rules'),
  answer: listAnswer('access_rules', ruleAnswer),
  async handle(request, deps) {
    const userId = await authorized(request, deps, 'list_access_rules')
    const rows = await listRows(deps.database.db, 'access_rules', {
      user_id: userId,
      ...askedOf(request.query, ['service', 'path', 'method']),
    })
    return collection(
      'access_rules',
      rows.toSorted((a, b) => a.position - b.position).map((row) => view(row, request.baseUrl)),
      request.baseUrl + request.url,
    )
  },
})

const show = route({
  method: 'GET',
  path: `${base}/:id`,
  policy: policy('get_access_rule'),
  answer: { 200: exactly({ access_rule: ruleAnswer }) },
  async handle(request, deps) {
    const row = await find(request, deps, await authorized(request, deps, 'get_access_rule'))
    return { status: 200, body: { access_rule: view(row, request.baseUrl) } }
  },
})

const remove = route({
  method: 'DELETE',
  path: `${base}/:id`,
  policy: policy('delete_access_rule'),
  answer: { 204: null },
  async handle(request, deps) {
    const row = await find(request, deps, await authorized(request, deps, 'delete_access_rule'))
    const { db } = deps.database
    if (await findRow(db, 'application_credential_access_rules', { access_rule_id: row.id })) {
      throw new Forbidden(
        'May not delete access rule in use: it belongs to an application credential, delete that first.',
      )
    }
    await deleteRows(db, 'access_rules', { id: row.id })
    deps.changed()
    return { status: 204 }
  },
})

export const accessRuleRoutes = [list, show, remove]
