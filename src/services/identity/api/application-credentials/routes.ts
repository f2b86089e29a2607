import { askedOf } from '../paging.ts'
import type { Context } from '../../../../platform/auth/context.ts'
import { lockOwner } from '../../../../platform/db/owner-lock.ts'
import { type ApiRequest, type Route } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import type { IdentityDeps } from '../../deps.ts'
import { ActionForbidden, IdentityNotFound } from '../../errors.ts'
import { createApplicationCredential } from '../../operations/create-application-credential.ts'
import { deleteApplicationCredentials } from '../../store/application-credentials.ts'
import { policy } from '../../policies.ts'
import { findRow, listRows } from '../../store/rows.ts'
import { bearerOf, requireNoTrust, requireUnrestricted } from '../bearer.ts'
import { collection } from '../links.ts'
import { expiryOf, microsOf } from '../times.ts'
import { createBody, credentialAnswer, madeAnswer } from './schema.ts'
import { viewCredentials } from './view.ts'
import { listAnswer, oneOf } from '../answers.ts'

const base = '/users/:user_id/application_credentials'

/** The owner is in the address; nobody else's credentials are to be seen. */
function authorize(ctx: Context, { user_id: userId }: { user_id: string }, rule: string): string {
  ctx.authorize(policy(rule), { user_id: userId, target: { user: { id: userId } } })
  return userId
}

const create = route({
  method: 'POST',
  path: base,
  policy: policy('create_application_credential'),
  body: createBody,
  answer: { 201: madeAnswer },
  async handle({ ctx, params, body: { application_credential: input }, baseUrl }, deps) {
    const userId = authorize(ctx, params, 'create_application_credential')
    const bearer = await bearerOf(deps, ctx)
    requireNoTrust(bearer)
    requireUnrestricted(bearer)
    if (bearer.user.id !== userId)
      throw new ActionForbidden('Cannot create an application credential for another user.')
    const { row, secret } = await createApplicationCredential(deps, bearer, {
      name: input.name,
      description: input.description ?? null,
      secret: input.secret ?? null,
      expiresAt: input.expires_at == null ? null : expiryOf(input.expires_at),
      expiresMicros: input.expires_at == null ? 0 : microsOf(input.expires_at),
      unrestricted: input.unrestricted === true,
      ...(input.roles && { roles: input.roles }),
      ...(input.access_rules && { accessRules: input.access_rules }),
    })
    const [view] = await viewCredentials(deps.database.db, [row], baseUrl)
    return { status: 201, body: { application_credential: { ...view, secret } } }
  },
})

const list = route({
  method: 'GET',
  path: base,
  policy: policy('list_application_credentials'),
  answer: listAnswer('application_credentials', credentialAnswer),
  async handle(request, deps) {
    const userId = authorize(request.ctx, request.params, 'list_application_credentials')
    requireNoTrust(await bearerOf(deps, request.ctx))
    const rows = await listRows(deps.database.db, 'application_credentials', {
      user_id: userId,
      ...askedOf(request.query, ['name']),
    })
    const items = await viewCredentials(deps.database.db, rows, request.baseUrl)
    return collection('application_credentials', items, request.baseUrl + request.url)
  },
})

/** The credential of the address. Whose it is counts, not whose the address says it were. */
async function find(
  { ctx, params }: ApiRequest<unknown, { id: string; user_id: string }>,
  deps: IdentityDeps,
  rule: 'get' | 'delete',
) {
  const { id } = params
  const row = await findRow(deps.database.db, 'application_credentials', { id })
  authorize(ctx, { user_id: row?.user_id ?? params.user_id }, `${rule}_application_credential`)
  const bearer = await bearerOf(deps, ctx)
  requireNoTrust(bearer)
  if (rule === 'delete') requireUnrestricted(bearer)
  if (!row) throw new IdentityNotFound('Application Credential', id)
  return row
}

const show = route({
  method: 'GET',
  path: `${base}/:id`,
  policy: policy('get_application_credential'),
  answer: { 200: oneOf('application_credential', credentialAnswer) },
  async handle(request, deps) {
    const row = await find(request, deps, 'get')
    const [view] = await viewCredentials(deps.database.db, [row], request.baseUrl)
    return { status: 200, body: { application_credential: view } }
  },
})

const remove = route({
  method: 'DELETE',
  path: `${base}/:id`,
  policy: policy('delete_application_credential'),
  answer: { 204: null },
  async handle(request, deps) {
    const row = await find(request, deps, 'delete')
    await deps.database.transaction(async (tx) => {
      await lockOwner(deps.database, tx, row.user_id)
      await deleteApplicationCredentials(tx, [row.id])
    })
    deps.changed()
    return { status: 204 }
  },
})

export const applicationCredentialRoutes: Route<IdentityDeps>[] = [create, list, show, remove]
