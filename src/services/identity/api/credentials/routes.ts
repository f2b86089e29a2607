/** /v3/credentials: secrets of users, encrypted at rest. */
import { Type } from 'typebox'
import { last, route, type ApiRequest } from '../../../../platform/http/route.ts'
import {
  findCredential,
  idOfAccessKey,
  insertCredential,
  listCredentials,
  type Credential,
  type Ec2Blob,
} from '../../credentials/store.ts'
import type { IdentityDeps } from '../../deps.ts'
import { ActionForbidden, expected, IdentityNotFound, ValidationFailed } from '../../errors.ts'
import { policy } from '../../policies.ts'
import { deleteRows, updateRow } from '../../store/rows.ts'
import type { ValidToken } from '../../tokens/evaluate.ts'
import { bearerOf, isInProject, requireUnrestricted } from '../bearer.ts'
import { collection, withLinks } from '../links.ts'
import { extraOf, newId } from '../resource.ts'
import { kinds } from '../schema.ts'

const attributes = {
  blob: kinds.text,
  project_id: Type.Optional(kinds.nullableText),
  type: kinds.text,
  user_id: kinds.text,
}
const known = ['blob', 'project_id', 'type', 'user_id']

const view = (credential: Credential) => ({
  ...(JSON.parse(credential.extra) as object),
  id: credential.id,
  user_id: credential.userId,
  project_id: credential.projectId,
  type: credential.type,
  blob: credential.blob,
})

const targetOf = (credential: Pick<Credential, 'userId'>) => ({
  target: { credential: { user_id: credential.userId } },
})

function requireInProject(bearer: ValidToken, projectId: string | null) {
  if (!isInProject(bearer, projectId))
    throw new ActionForbidden('Credential project does not match the project scope of the delegated token')
}

const isEc2 = (type: string) => type.toLowerCase() === 'ec2'

function parseEc2(text: string): Ec2Blob & { access: string } {
  let blob: Ec2Blob | null
  try {
    blob = JSON.parse(text) as Ec2Blob | null
  } catch {
    throw new ValidationFailed('Invalid blob in credential')
  }
  if (!blob || typeof blob !== 'object' || Array.isArray(blob)) throw expected('blob', 'credential')
  if (typeof blob.access !== 'string') throw expected('access', 'credential')
  return { ...blob, access: blob.access }
}

const create = route({
  method: 'POST',
  path: '/credentials',
  policy: policy('create_credential'),
  body: Type.Object({ credential: Type.Object(attributes) }),
  async handle({ ctx, body: { credential: input }, baseUrl }, deps: IdentityDeps) {
    ctx.authorize(policy('create_credential'), targetOf({ userId: input.user_id }))
    const bearer = await bearerOf(deps, ctx)
    const projectId = input.project_id ?? null
    if (isEc2(input.type)) {
      requireUnrestricted(bearer, 'credentials')
      if (projectId === null) throw expected('project_id', 'credential')
    }
    requireInProject(bearer, projectId)
    const common = { userId: input.user_id, projectId, type: input.type, extra: extraOf(input, known) }
    const credential = isEc2(input.type)
      ? { ...common, ...ec2Of(bearer, input.blob) }
      : { ...common, id: newId(), blob: input.blob }
    await insertCredential(deps, credential)
    return { status: 201, body: { credential: withLinks(baseUrl, 'credentials', view(credential)) } }
  },
})

/** What the credential makes tokens of is noted in it, so that these stay as narrow as the token that made it. */
function ec2Of({ payload }: ValidToken, text: string): Pick<Credential, 'id' | 'blob'> {
  const { trust_id, app_cred_id, access_token_id, ...blob } = parseEc2(text)
  void [trust_id, app_cred_id, access_token_id] // not the caller's to say
  const delegated = {
    ...(payload.trustId !== undefined && { trust_id: payload.trustId }),
    ...(payload.applicationCredentialId !== undefined && { app_cred_id: payload.applicationCredentialId }),
    ...(payload.accessTokenId !== undefined && { access_token_id: payload.accessTokenId }),
  }
  return { id: idOfAccessKey(blob.access), blob: JSON.stringify({ ...blob, ...delegated }) }
}

const list = route({
  method: 'GET',
  path: '/credentials',
  policy: policy('list_credentials'),
  async handle({ ctx, query, baseUrl, url }: ApiRequest<never>, deps: IdentityDeps) {
    ctx.authorize(policy('list_credentials'), ctx.systemScope ? {} : targetOf({ userId: ctx.userId }))
    const bearer = await bearerOf(deps, ctx)
    const conditions = ['user_id', 'type'].flatMap((column) => {
      const value = last(query, column)
      return value === undefined ? [] : [{ column, operator: '=' as const, value }]
    })
    const rows = await listCredentials(deps, conditions)
    const visible = rows.filter(
      (row) => ctx.can(policy('get_credential'), targetOf(row)) && isInProject(bearer, row.projectId),
    )
    return collection(
      'credentials',
      visible.map((row) => withLinks(baseUrl, 'credentials', view(row))),
      baseUrl + url,
    )
  },
})

/** The credential of the address, which the caller may see and, with a delegated token, only in its project. */
async function load(
  { ctx, params }: Pick<ApiRequest, 'ctx' | 'params'>,
  deps: IdentityDeps,
  rule: string,
): Promise<Credential> {
  const id = params['id'] ?? ''
  const credential = await findCredential(deps, id)
  ctx.authorize(policy(rule), credential ? targetOf(credential) : {})
  if (!credential) throw new IdentityNotFound('credential', id)
  requireInProject(await bearerOf(deps, ctx), credential.projectId)
  return credential
}

const show = route({
  method: 'GET',
  path: '/credentials/:id',
  policy: policy('get_credential'),
  async handle(request: ApiRequest<never>, deps: IdentityDeps) {
    const credential = await load(request, deps, 'get_credential')
    return { status: 200, body: { credential: withLinks(request.baseUrl, 'credentials', view(credential)) } }
  },
})

const update = route({
  method: 'PATCH',
  path: '/credentials/:id',
  policy: policy('update_credential'),
  body: Type.Object({ credential: Type.Partial(Type.Object(attributes)) }),
  async handle(request, deps: IdentityDeps) {
    const before = await load(request, deps, 'update_credential')
    const input = request.body.credential
    const after = {
      ...before,
      ...(input.user_id !== undefined && { userId: input.user_id }),
      ...(input.project_id !== undefined && { projectId: input.project_id }),
      ...(input.type !== undefined && { type: input.type }),
      ...(input.blob !== undefined && { blob: input.blob }),
      extra: extraOf(input, known, before.extra),
    }
    requireSameScope(before, after)
    // Whom it would belong to afterwards counts as well (CVE-2020-12691).
    request.ctx.authorize(policy('update_credential'), targetOf(after))
    requireInProject(await bearerOf(deps, request.ctx), after.projectId)
    if (isEc2(after.type) && !after.projectId) throw expected('project_id', 'credential')
    await updateRow(deps.database.db, 'credentials', before.id, {
      user_id: after.userId,
      project_id: after.projectId,
      type: after.type,
      extra: after.extra,
      ...deps.vault.encrypt(after.blob),
    })
    return { status: 200, body: { credential: withLinks(request.baseUrl, 'credentials', view(after)) } }
  },
})

/** What an EC2 credential was delegated by stays. */
function requireSameScope(before: Credential, after: Credential): void {
  if (!isEc2(before.type)) {
    if (isEc2(after.type)) parseEc2(after.blob)
    return
  }
  const [was, is] = [parseEc2(before.blob), parseEc2(after.blob)]
  for (const key of ['trust_id', 'app_cred_id', 'access_token_id'] as const) {
    if ((was[key] ?? null) !== (is[key] ?? null)) throw new ValidationFailed(`${key} can not be updated for credential`)
  }
}

const remove = route({
  method: 'DELETE',
  path: '/credentials/:id',
  policy: policy('delete_credential'),
  async handle(request: ApiRequest<never>, deps: IdentityDeps) {
    const { id } = await load(request, deps, 'delete_credential')
    await deleteRows(deps.database.db, 'credentials', { id })
    return { status: 204 }
  },
})

export const credentialRoutes = [create, list, show, update, remove]
