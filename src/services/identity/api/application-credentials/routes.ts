import { randomBytes } from 'node:crypto'
import { Type } from 'typebox'
import type { Context } from '../../../../platform/auth/context.ts'
import { BadRequest, Forbidden } from '../../../../platform/http/errors.ts'
import { last, route, type ApiRequest, type Route } from '../../../../platform/http/route.ts'
import type { IdentityDeps } from '../../deps.ts'
import { IdentityConflict, IdentityNotFound } from '../../errors.ts'
import { policy } from '../../policies.ts'
import { deleteRows, findRow, insertRow, listRows, type Row } from '../../store/rows.ts'
import { effectiveRoles, withImplied } from '../../store/roles.ts'
import { hashPassword } from '../../tokens/passwords.ts'
import { collection } from '../links.ts'
import { newId } from '../resource.ts'
import { kinds } from '../schema.ts'

const body = Type.Object({
  application_credential: Type.Object(
    {
      name: kinds.name,
      description: Type.Optional(kinds.description),
      secret: Type.Optional(kinds.nullableText),
      expires_at: Type.Optional(kinds.nullableText),
      roles: Type.Optional(Type.Array(Type.Object({ id: Type.Optional(kinds.text), name: Type.Optional(kinds.text) }))),
      unrestricted: Type.Optional(Type.Union([Type.Null(), Type.Boolean()])),
    },
    { additionalProperties: false },
  ),
})

const base = '/users/:user_id/application_credentials'
const kind = 'application credential'

/** The owner is in the address; nobody else's credentials are to be seen. */
function authorize({ ctx, params }: { ctx: Context; params: Readonly<Record<string, string>> }, rule: string): string {
  const userId = params['user_id'] ?? ''
  ctx.authorize(policy(rule), { user_id: userId, target: { user: { id: userId } } })
  return userId
}

/** A token that is itself delegated must not make further credentials (CVE-2020-12689). */
function requireOwnToken(ctx: Context) {
  if (ctx.applicationCredentialId !== null)
    throw new Forbidden(
      'Using method application_credential is not allowed for managing additional application credentials.',
    )
}

async function view(deps: IdentityDeps, row: Row<'application_credentials'>, baseUrl: string) {
  const roles = await listRows(deps.database.db, 'roles', [
    { column: 'id', operator: 'in', value: JSON.parse(row.roles) as string[] },
  ])
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    project_id: row.project_id,
    user_id: row.user_id,
    expires_at: row.expires_at === null ? null : new Date(Number(row.expires_at)).toISOString().replace('Z', '000'),
    unrestricted: row.unrestricted === 1,
    system: null,
    roles: roles.map((role) => ({ id: role.id, name: role.name, domain_id: role.domain_id || null })),
    links: { self: `${baseUrl}/v3/users/${row.user_id}/application_credentials/${row.id}` },
  }
}

/** The roles asked for, which the caller must have on the project; all of them when none are named. */
async function rolesFor(
  deps: IdentityDeps,
  ctx: Context,
  wanted: readonly { id?: string; name?: string }[] | undefined,
): Promise<string[]> {
  const { db } = deps.database
  const held = await effectiveRoles(db, ctx.userId, 'project', ctx.projectId ?? '')
  if (!wanted) return held.map((role) => role.id)
  const chosen = wanted.map((each) => {
    const found = held.find((role) => role.id === each.id || (each.id === undefined && role.name === each.name))
    if (!found) throw new IdentityNotFound('role', each.id ?? each.name ?? '')
    return found.id
  })
  const all = await withImplied(db, new Set(chosen))
  return held.filter((role) => all.has(role.id)).map((role) => role.id)
}

const create = route({
  method: 'POST',
  path: base,
  policy: policy('create_application_credential'),
  body,
  async handle({ ctx, params, body: { application_credential: input }, baseUrl }, deps: IdentityDeps) {
    const userId = authorize({ ctx, params }, 'create_application_credential')
    requireOwnToken(ctx)
    if (ctx.projectId === null) throw new BadRequest('An application credential needs a project-scoped token.')
    const expiresAt =
      input.expires_at == null
        ? null
        : Date.parse(/Z$|[+-]\d\d:?\d\d$/.test(input.expires_at) ? input.expires_at : `${input.expires_at}Z`)
    if (Number.isNaN(expiresAt))
      throw new BadRequest(`Invalid input for field 'expires_at': ${input.expires_at} is not a 'date-time'.`)
    const secret = input.secret ?? randomBytes(64).toString('base64url')
    const row = {
      id: newId(),
      name: input.name,
      user_id: userId,
      project_id: ctx.projectId,
      secret_hash: await hashPassword(secret, deps.config.passwordHashRounds),
      description: input.description ?? null,
      expires_at: expiresAt,
      unrestricted: input.unrestricted === true ? 1 : 0,
      roles: JSON.stringify(await rolesFor(deps, ctx, input.roles)),
    }
    if (!(await insertRow(deps.database.db, 'application_credentials', row))) {
      throw new IdentityConflict(kind.replace(' ', '_'), `Duplicate entry found with name ${row.name}`)
    }
    return { status: 201, body: { application_credential: { ...(await view(deps, row, baseUrl)), secret } } }
  },
})

const list = route({
  method: 'GET',
  path: base,
  policy: policy('list_application_credentials'),
  async handle(request: ApiRequest<never>, deps: IdentityDeps) {
    const userId = authorize(request, 'list_application_credentials')
    const name = last(request.query, 'name')
    const rows = await listRows(deps.database.db, 'application_credentials', [
      { column: 'user_id', operator: '=', value: userId },
      ...(name === undefined ? [] : [{ column: 'name', operator: '=' as const, value: name }]),
    ])
    const items = await Promise.all(rows.map((row) => view(deps, row, request.baseUrl)))
    return collection('application_credentials', items, request.baseUrl + request.url)
  },
})

async function find({ params }: ApiRequest<never>, deps: IdentityDeps, userId: string) {
  const id = params['id'] ?? ''
  const row = await findRow(deps.database.db, 'application_credentials', { id, user_id: userId })
  if (!row) throw new IdentityNotFound(kind, id)
  return row
}

const show = route({
  method: 'GET',
  path: `${base}/:id`,
  policy: policy('get_application_credential'),
  async handle(request: ApiRequest<never>, deps: IdentityDeps) {
    const row = await find(request, deps, authorize(request, 'get_application_credential'))
    return { status: 200, body: { application_credential: await view(deps, row, request.baseUrl) } }
  },
})

const remove = route({
  method: 'DELETE',
  path: `${base}/:id`,
  policy: policy('delete_application_credential'),
  async handle(request: ApiRequest<never>, deps: IdentityDeps) {
    const userId = authorize(request, 'delete_application_credential')
    requireOwnToken(request.ctx)
    const row = await find(request, deps, userId)
    await deleteRows(deps.database.db, 'application_credentials', { id: row.id })
    deps.changed()
    return { status: 204 }
  },
})

export const applicationCredentialRoutes: Route<IdentityDeps>[] = [create, list, show, remove]
