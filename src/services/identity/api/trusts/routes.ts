/** OS-TRUST: a trustor lets a trustee act with some of his roles on a project. */
import { last, type ApiRequest } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import type { IdentityDeps } from '../../deps.ts'
import { ActionForbidden, IdentityNotFound } from '../../errors.ts'
import { createTrust, deleteTrust, withRedelegated } from '../../operations/create-trust.ts'
import { noteRevocation } from '../../operations/revoke.ts'
import { policy } from '../../policies.ts'
import { listRows, type IdentityDb, type Row } from '../../store/rows.ts'
import { trustChain } from '../../tokens/evaluate.ts'
import { bearerOf, requireTrusted } from '../bearer.ts'
import { collection, withLinks } from '../links.ts'
import { extraOf, extras } from '../kit/extra.ts'
import { roleAnswer, viewRole } from '../roles/resource.ts'
import { expiryOf, isoMicros } from '../times.ts'
import { createBody } from './schema.ts'
import { Type } from 'typebox'
import { nullable, type Shown } from '../../../../platform/http/answers.ts'
import {
  boolean,
  linked,
  listAnswer,
  nullableText,
  oneOf,
  open,
  pageLinks,
  self,
  text,
  withFields,
} from '../answers.ts'

type Trust = Row<'trusts'>
const path = '/OS-TRUST/trusts'
const known = [
  'trustor_user_id',
  'trustee_user_id',
  'impersonation',
  'project_id',
  'remaining_uses',
  'expires_at',
  'allow_redelegation',
  'redelegation_count',
  'redelegated_trust_id',
  'roles',
]

const trustAnswer = open({
  id: text,
  trustor_user_id: text,
  trustee_user_id: text,
  project_id: nullableText,
  impersonation: boolean,
  expires_at: nullableText,
  remaining_uses: nullable(Type.Integer()),
  redelegated_trust_id: nullableText,
  redelegation_count: nullable(Type.Integer()),
  deleted_at: Type.Null(),
  links: self,
})
const wholeAnswer = oneOf(
  'trust',
  withFields(trustAnswer, { roles: Type.Array(linked(roleAnswer)), roles_links: pageLinks }),
)

const view = (trust: Trust, baseUrl: string): Shown<typeof trustAnswer> => ({
  ...extras(trust),
  id: trust.id,
  trustor_user_id: trust.trustor_user_id,
  trustee_user_id: trust.trustee_user_id,
  project_id: trust.project_id,
  impersonation: trust.impersonation === 1,
  expires_at: trust.expires_at === null ? null : isoMicros(Number(trust.expires_at)),
  remaining_uses: trust.remaining_uses,
  redelegated_trust_id: trust.redelegated_trust_id,
  redelegation_count: trust.redelegation_count,
  deleted_at: null,
  links: { self: `${baseUrl}/v3${path}/${trust.id}` },
})

async function viewWhole(db: IdentityDb, trust: Trust, baseUrl: string) {
  const links = { self: `${baseUrl}/v3${path}/${trust.id}/roles`, next: null, previous: null }
  return { ...view(trust, baseUrl), roles: await rolesOf(db, trust, baseUrl), roles_links: links }
}

async function rolesOf(db: IdentityDb, trust: Trust, baseUrl: string) {
  const ids = JSON.parse(trust.roles) as string[]
  const rows = ids.length === 0 ? [] : await listRows(db, 'roles', { id: ids })
  return rows.map((row) => withLinks(baseUrl, 'roles', viewRole(row)))
}

/**
 * Says which trusts the caller may have to do with. By a trust he reaches that one and what was redelegated from it, not
 * what else its trustor or he himself has given away. Throws Forbidden for other delegated tokens.
 */
async function reachOf(deps: IdentityDeps, ctx: ApiRequest['ctx']): Promise<(id: string) => boolean> {
  const bearer = await bearerOf(deps, ctx)
  requireTrusted(bearer)
  if (!bearer.trust) return () => true
  const own = new Set(await withRedelegated(deps.database.db, bearer.trust.id))
  return (id) => own.has(id)
}

/** A trust that can still be used. Unlike elsewhere a missing one is told before the policy is asked (bug 1840288). */
async function load(
  { params, ctx }: ApiRequest<unknown, { id: string }>,
  deps: IdentityDeps,
  rule: string,
): Promise<Trust> {
  const id = params.id
  const [trust] = await trustChain(deps.database.db, id)
  const isOver =
    trust && (trust.remaining_uses === 0 || (trust.expires_at !== null && Number(trust.expires_at) <= Date.now()))
  if (!trust || isOver) throw new IdentityNotFound('trust', id)
  ctx.authorize(policy(rule), { target: { trust: { ...trust } } })
  const isInReach = await reachOf(deps, ctx)
  if (!isInReach(id)) throw new ActionForbidden('A token of a trust manages that trust and those redelegated from it')
  return trust
}

const list = route({
  method: 'GET',
  path,
  policy: [policy('list_trusts'), policy('list_trusts_for_trustor'), policy('list_trusts_for_trustee')],
  answer: listAnswer('trusts', trustAnswer),
  async handle({ ctx, query, baseUrl, url }, deps) {
    const trustor = last(query, 'trustor_user_id')
    const trustee = last(query, 'trustee_user_id')
    if (trustor !== undefined)
      ctx.authorize(policy('list_trusts_for_trustor'), { target: { trust: { trustor_user_id: trustor } } })
    else if (trustee !== undefined)
      ctx.authorize(policy('list_trusts_for_trustee'), { target: { trust: { trustee_user_id: trustee } } })
    else ctx.authorize(policy('list_trusts'))
    const isInReach = await reachOf(deps, ctx)
    const rows = await listRows(deps.database.db, 'trusts', {
      deleted_at: null,
      ...(trustor !== undefined && { trustor_user_id: trustor }),
      ...(trustee !== undefined && { trustee_user_id: trustee }),
    })
    const found = rows.filter((row) => isInReach(row.id))
    return collection(
      'trusts',
      found.map((row) => view(row, baseUrl)),
      baseUrl + url,
    )
  },
})

const create = route({
  method: 'POST',
  path,
  policy: policy('create_trust'),
  body: createBody,
  answer: { 201: wholeAnswer },
  async handle({ ctx, body: { trust: input }, baseUrl }, deps) {
    ctx.authorize(policy('create_trust'), { target: { trust: { trustor_user_id: input.trustor_user_id } } })
    const bearer = await bearerOf(deps, ctx)
    requireTrusted(bearer)
    const trust = await createTrust(deps, bearer, {
      trustorId: input.trustor_user_id,
      trusteeId: input.trustee_user_id,
      projectId: input.project_id ?? null,
      impersonation: input.impersonation,
      expiresAt: input.expires_at == null ? null : expiryOf(input.expires_at),
      remainingUses: input.remaining_uses ?? null,
      allowRedelegation: input.allow_redelegation === true,
      redelegationCount: input.redelegation_count ?? null,
      roles: input.roles ?? [],
      extra: extraOf(input, known),
    })
    return { status: 201, body: { trust: await viewWhole(deps.database.db, trust, baseUrl) } }
  },
})

const show = route({
  method: 'GET',
  path: `${path}/:id`,
  policy: policy('get_trust'),
  answer: { 200: wholeAnswer },
  async handle(request, deps) {
    const trust = await load(request, deps, 'get_trust')
    return { status: 200, body: { trust: await viewWhole(deps.database.db, trust, request.baseUrl) } }
  },
})

const remove = route({
  method: 'DELETE',
  path: `${path}/:id`,
  policy: policy('delete_trust'),
  answer: { 204: null },
  async handle(request, deps) {
    const trust = await load(request, deps, 'delete_trust')
    await deps.database.transaction(async (tx) => {
      for (const id of await deleteTrust(tx, trust.id)) await noteRevocation(tx, { trust_id: id })
    })
    deps.changed()
    return { status: 204 }
  },
})

const listRoles = route({
  method: 'GET',
  path: `${path}/:id/roles`,
  policy: policy('list_roles_for_trust'),
  answer: listAnswer('roles', linked(roleAnswer)),
  async handle(request, deps) {
    const trust = await load(request, deps, 'list_roles_for_trust')
    const roles = await rolesOf(deps.database.db, trust, request.baseUrl)
    return collection('roles', roles, request.baseUrl + request.url)
  },
})

const showRole = route({
  method: 'GET',
  path: `${path}/:id/roles/:role_id`,
  policy: policy('get_role_for_trust'),
  answer: { 200: oneOf('role', linked(roleAnswer)) },
  async handle(request, deps) {
    const trust = await load(request, deps, 'get_role_for_trust')
    const roleId = request.params.role_id
    const role = (await rolesOf(deps.database.db, trust, request.baseUrl)).find((each) => each.id === roleId)
    if (!role) throw new IdentityNotFound('role', roleId)
    return { status: 200, body: { role } }
  },
})

export const trustRoutes = [list, create, show, remove, listRoles, showRole]
