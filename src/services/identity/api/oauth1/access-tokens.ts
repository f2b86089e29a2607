/** What a user has let programs do: /v3/users/{user}/OS-OAUTH1/access_tokens. */
import { NotFound } from '../../../../platform/errors.ts'
import type { ApiRequest } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import type { IdentityDeps } from '../../deps.ts'
import { IdentityNotFound } from '../../errors.ts'
import { requireUndelegated } from '../bearer.ts'
import { policy } from '../../policies.ts'
import { findAccessToken, listAccessTokens, type AccessToken } from '../../store/oauth1.ts'
import { deleteRows, listRows } from '../../store/rows.ts'
import { collection, withLinks } from '../links.ts'
import { roleAnswer, viewRole } from '../roles/resource.ts'
import { isoMicros } from '../times.ts'
import { exactly } from '../../../../platform/http/answers.ts'
import { linked, listAnswer, nullableText, oneOf, text } from '../answers.ts'

const path = '/users/:user_id/OS-OAUTH1/access_tokens'
const delegated = 'Cannot manage OAuth access tokens with a token issued via delegation.'

const tokenAnswer = exactly({
  id: text,
  consumer_id: text,
  project_id: text,
  authorizing_user_id: text,
  expires_at: nullableText,
  links: exactly({ self: text, roles: text }),
})

function view(row: AccessToken, baseUrl: string) {
  const self = `${baseUrl}/v3/users/${row.authorizing_user_id}/OS-OAUTH1/access_tokens/${row.id}`
  return {
    id: row.id,
    consumer_id: row.consumer_id,
    project_id: row.project_id,
    authorizing_user_id: row.authorizing_user_id,
    expires_at: row.expires_at === null ? null : isoMicros(Number(row.expires_at)),
    links: { self, roles: `${self}/roles` },
  }
}

/** The access token in the address, of the user in the address. */
async function load(
  { params }: ApiRequest<unknown, { user_id: string; id: string }>,
  { database }: IdentityDeps,
): Promise<AccessToken> {
  const row = await findAccessToken(database.db, params.id)
  if (!row || row.authorizing_user_id !== params.user_id) throw new NotFound('Access token not found')
  return row
}

const rolesOf = ({ database }: IdentityDeps, row: AccessToken) =>
  listRows(database.db, 'roles', { id: JSON.parse(row.role_ids) as string[] })

const list = route({
  method: 'GET',
  path,
  policy: policy('list_access_tokens'),
  answer: listAnswer('access_tokens', tokenAnswer),
  async handle({ ctx, params, baseUrl, url }, deps) {
    ctx.authorize(policy('list_access_tokens'))
    await requireUndelegated(deps, ctx, delegated)
    const rows = await listAccessTokens(deps.database.db, params.user_id)
    return collection(
      'access_tokens',
      rows.map((row) => view(row, baseUrl)),
      baseUrl + url,
    )
  },
})

const show = route({
  method: 'GET',
  path: `${path}/:id`,
  policy: policy('get_access_token'),
  answer: { 200: oneOf('access_token', tokenAnswer) },
  async handle(request, deps) {
    request.ctx.authorize(policy('get_access_token'))
    await requireUndelegated(deps, request.ctx, delegated)
    return { status: 200, body: { access_token: view(await load(request, deps), request.baseUrl) } }
  },
})

const remove = route({
  method: 'DELETE',
  path: `${path}/:id`,
  policy: policy('delete_access_token'),
  answer: { 204: null },
  async handle(request, deps) {
    request.ctx.authorize(policy('delete_access_token'))
    await requireUndelegated(deps, request.ctx, delegated)
    const { id } = await load(request, deps)
    await deleteRows(deps.database.db, 'access_tokens', { id })
    deps.changed()
    return { status: 204 }
  },
})

const listRoles = route({
  method: 'GET',
  path: `${path}/:id/roles`,
  policy: policy('list_access_token_roles'),
  answer: listAnswer('roles', linked(roleAnswer)),
  async handle(request, deps) {
    request.ctx.authorize(policy('list_access_token_roles'))
    const roles = await rolesOf(deps, await load(request, deps))
    return collection(
      'roles',
      roles.map((role) => withLinks(request.baseUrl, 'roles', viewRole(role))),
      request.baseUrl + request.url,
    )
  },
})

const showRole = route({
  method: 'GET',
  path: `${path}/:id/roles/:role_id`,
  policy: policy('get_access_token_role'),
  answer: { 200: oneOf('role', linked(roleAnswer)) },
  async handle(request, deps) {
    request.ctx.authorize(policy('get_access_token_role'))
    const roles = await rolesOf(deps, await load(request, deps))
    const role = roles.find((each) => each.id === request.params.role_id)
    if (!role) throw new IdentityNotFound('role', request.params.role_id)
    return { status: 200, body: { role: withLinks(request.baseUrl, 'roles', viewRole(role)) } }
  },
})

export const accessTokenRoutes = [list, show, remove, listRoles, showRole]
