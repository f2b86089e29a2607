/** /v3/credentials: secrets of users, encrypted at rest. */
import { askedOf } from '../paging.ts'
import { Type } from 'typebox'
import { type ApiRequest } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import {
  findCredential,
  idOfAccessKey,
  insertCredential,
  listCredentials,
  type Credential,
  type Ec2Blob,
} from '../../credentials/store.ts'
import type { IdentityDeps } from '../../deps.ts'
import { expected, IdentityNotFound, ValidationFailed } from '../../errors.ts'
import { policy } from '../../policies.ts'
import { deleteRows, updateRow } from '../../store/rows.ts'
import { isDelegated } from '../../tokens/delegation.ts'
import { bearerOf, requireOwnLogin } from '../bearer.ts'
import { collection, withLinks } from '../links.ts'
import { newId } from '../../store/new-rows.ts'
import { extraOf } from '../kit/extra.ts'
import { kinds } from '../schema.ts'
import { linked, listAnswer, nullableText, oneOf, open, text } from '../answers.ts'

const createBody = Type.Object({
  credential: Type.Object({
    blob: kinds.text,
    project_id: Type.Optional(kinds.nullableText),
    type: kinds.text,
    user_id: kinds.text,
  }),
})
/** Clients repeat what they do not change. */
const updateBody = Type.Object({
  credential: Type.Object(
    {
      blob: kinds.text,
      id: Type.Optional(kinds.text),
      project_id: Type.Optional(kinds.nullableText),
      type: Type.Optional(kinds.text),
      user_id: Type.Optional(kinds.text),
    },
    { additionalProperties: false },
  ),
})
const known = ['blob', 'project_id', 'type', 'user_id']

const credentialAnswer = open({ id: text, user_id: text, project_id: nullableText, type: text, blob: text })

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

/** By what a credential was made, in the blob of credentials that delegated tokens could make once. */
const delegations = ['trust_id', 'app_cred_id', 'access_token_id'] as const
const fixedInBlob = [...delegations, 'access_id'] as const
const isDelegation = (key: string) => delegations.some((each) => each === key)

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
  body: createBody,
  answer: { 201: oneOf('credential', linked(credentialAnswer)) },
  async handle({ ctx, body: { credential: input }, baseUrl }, deps) {
    ctx.authorize(policy('create_credential'), targetOf({ userId: input.user_id }))
    await requireOwnLogin(deps, ctx)
    const projectId = input.project_id ?? null
    if (isEc2(input.type) && projectId === null) throw expected('project_id', 'credential')
    const common = { userId: input.user_id, projectId, type: input.type, extra: extraOf(input, known) }
    const credential = isEc2(input.type)
      ? { ...common, ...ec2Of(input.blob) }
      : { ...common, id: newId(), blob: input.blob }
    await insertCredential(deps, credential)
    return { status: 201, body: { credential: withLinks(baseUrl, 'credentials', view(credential)) } }
  },
})

/** That a credential were made by a delegation is not the caller's to say: it would make tokens of somebody else. */
function ec2Of(text: string): Pick<Credential, 'id' | 'blob'> {
  const blob = Object.fromEntries(Object.entries(parseEc2(text)).filter(([key]) => !isDelegation(key)))
  return { id: idOfAccessKey(parseEc2(text).access), blob: JSON.stringify(blob) }
}

const list = route({
  method: 'GET',
  path: '/credentials',
  policy: policy('list_credentials'),
  answer: listAnswer('credentials', linked(credentialAnswer)),
  async handle({ ctx, query, baseUrl, url }, deps) {
    ctx.authorize(policy('list_credentials'), ctx.systemScope ? {} : targetOf({ userId: ctx.userId }))
    const isHidden = isDelegated(await bearerOf(deps, ctx))
    const rows = isHidden ? [] : await listCredentials(deps, askedOf(query, ['user_id', 'type']))
    const visible = rows.filter((row) => ctx.can(policy('get_credential'), targetOf(row)))
    return collection(
      'credentials',
      visible.map((row) => withLinks(baseUrl, 'credentials', view(row))),
      baseUrl + url,
    )
  },
})

/** The credential of the address, which the caller may see. */
async function load(
  { ctx, params }: Pick<ApiRequest<unknown, { id: string }>, 'ctx' | 'params'>,
  deps: IdentityDeps,
  rule: string,
): Promise<Credential> {
  const id = params.id
  const credential = await findCredential(deps, id)
  ctx.authorize(policy(rule), credential ? targetOf(credential) : {})
  if (!credential) throw new IdentityNotFound('credential', id)
  await requireOwnLogin(deps, ctx)
  return credential
}

const show = route({
  method: 'GET',
  path: '/credentials/:id',
  policy: policy('get_credential'),
  answer: { 200: oneOf('credential', linked(credentialAnswer)) },
  async handle(request, deps) {
    const credential = await load(request, deps, 'get_credential')
    return { status: 200, body: { credential: withLinks(request.baseUrl, 'credentials', view(credential)) } }
  },
})

const update = route({
  method: 'PATCH',
  path: '/credentials/:id',
  policy: policy('update_credential'),
  body: updateBody,
  answer: { 200: oneOf('credential', linked(credentialAnswer)) },
  async handle(request, deps) {
    const before = await load(request, deps, 'update_credential')
    const { blob, ...repeated } = request.body.credential
    requireSame(['id', 'project_id', 'type', 'user_id'], view(before), { ...view(before), ...repeated })
    const after = { ...before, blob }
    if (isEc2(before.type)) requireSame(fixedInBlob, parseEc2(before.blob), parseEc2(after.blob))
    await updateRow(deps.database.db, 'credentials', before.id, deps.vault.encrypt(after.blob))
    return { status: 200, body: { credential: withLinks(request.baseUrl, 'credentials', view(after)) } }
  },
})

/** What a credential is, whose it is and what it was delegated by stays as it was made (CVE-2026-90460). */
function requireSame<T extends object>(keys: readonly (keyof T & string)[], was: T, is: T): void {
  for (const key of keys)
    if ((was[key] ?? null) !== (is[key] ?? null)) throw new ValidationFailed(`${key} can not be updated for credential`)
}

const remove = route({
  method: 'DELETE',
  path: '/credentials/:id',
  policy: policy('delete_credential'),
  answer: { 204: null },
  async handle(request, deps) {
    const { id } = await load(request, deps, 'delete_credential')
    await deleteRows(deps.database.db, 'credentials', { id })
    return { status: 204 }
  },
})

export const credentialRoutes = [create, list, show, update, remove]
