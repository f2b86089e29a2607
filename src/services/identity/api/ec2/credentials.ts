/** /v3/users/{id}/credentials/OS-EC2: access keys for EC2 and S3 clients. */
import { Type } from 'typebox'
import { Unauthorized } from '../../../../platform/errors.ts'
import type { ApiRequest } from '../../../../platform/http/route.ts'
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
import { IdentityNotFound } from '../../errors.ts'
import { policy } from '../../policies.ts'
import { deleteRows, findRow } from '../../store/rows.ts'
import { requireOwnLogin } from '../bearer.ts'
import { collection } from '../links.ts'
import { newId } from '../../store/new-rows.ts'
import { exactly, type Shown } from '../../../../platform/http/answers.ts'
import { listAnswer, nullableText, self, text } from '../answers.ts'

const base = '/users/:user_id/credentials/OS-EC2'

const credentialAnswer = exactly({
  user_id: text,
  tenant_id: nullableText,
  access: Type.Optional(text),
  secret: Type.Optional(text),
  trust_id: nullableText,
  links: self,
})

function view(credential: Credential, baseUrl: string): Shown<typeof credentialAnswer> {
  const blob = JSON.parse(credential.blob) as Ec2Blob
  return {
    user_id: credential.userId,
    tenant_id: credential.projectId,
    access: blob.access,
    secret: blob.secret,
    trust_id: blob.trust_id ?? null,
    links: { self: `${baseUrl}/v3/users/${credential.userId}/credentials/OS-EC2/${blob.access}` },
  }
}

async function requireUser({ database: { db } }: IdentityDeps, id: string) {
  if (!(await findRow(db, 'users', { id }))) throw new IdentityNotFound('user', id)
}

const list = route({
  method: 'GET',
  path: base,
  policy: policy('ec2_list_credentials'),
  answer: listAnswer('credentials', credentialAnswer),
  async handle({ ctx, params, baseUrl, url }, deps) {
    const userId = params.user_id
    ctx.authorize(policy('ec2_list_credentials'), { user_id: userId })
    await requireOwnLogin(deps, ctx)
    await requireUser(deps, userId)
    const rows = await listCredentials(deps, { user_id: userId, type: 'ec2' })
    return collection(
      'credentials',
      rows.map((row) => view(row, baseUrl)),
      baseUrl + url,
    )
  },
})

const create = route({
  method: 'POST',
  path: base,
  policy: policy('ec2_create_credential'),
  body: Type.Object({ tenant_id: Type.String({ maxLength: 64 }) }),
  answer: { 201: exactly({ credential: credentialAnswer }) },
  async handle({ ctx, params, body, baseUrl }, deps) {
    const userId = params.user_id
    ctx.authorize(policy('ec2_create_credential'), { target: { credential: { user_id: userId } } })
    await requireOwnLogin(deps, ctx)
    await requireUser(deps, userId)
    if (!(await findRow(deps.database.db, 'projects', { id: body.tenant_id })))
      throw new IdentityNotFound('project', body.tenant_id)
    const blob = { access: newId(), secret: newId(), trust_id: null }
    const credential = {
      id: idOfAccessKey(blob.access),
      userId,
      projectId: body.tenant_id,
      type: 'ec2',
      blob: JSON.stringify(blob),
      extra: '{}',
    }
    await insertCredential(deps, credential)
    return { status: 201, body: { credential: view(credential, baseUrl) } }
  },
})

/** The credential of the address. That it is not there is told before the rule is asked, which sees whose it is. */
async function load(
  { ctx, params }: ApiRequest<unknown, { access: string; user_id: string }>,
  deps: IdentityDeps,
  rule: string,
): Promise<Credential> {
  const access = params.access
  const credential = await findCredential(deps, idOfAccessKey(access))
  if (!credential) throw new IdentityNotFound('credential', access)
  ctx.authorize(policy(rule), { target: { credential: { user_id: credential.userId } } })
  await requireOwnLogin(deps, ctx)
  await requireUser(deps, params.user_id)
  if (credential.type !== 'ec2') throw new Unauthorized('EC2 access key not found.')
  return credential
}

const show = route({
  method: 'GET',
  path: `${base}/:access`,
  policy: policy('ec2_get_credential'),
  answer: { 200: exactly({ credential: credentialAnswer }) },
  async handle(request, deps) {
    const credential = await load(request, deps, 'ec2_get_credential')
    return { status: 200, body: { credential: view(credential, request.baseUrl) } }
  },
})

const remove = route({
  method: 'DELETE',
  path: `${base}/:access`,
  policy: policy('ec2_delete_credential'),
  answer: { 204: null },
  async handle(request, deps) {
    const { id } = await load(request, deps, 'ec2_delete_credential')
    await deleteRows(deps.database.db, 'credentials', { id })
    return { status: 204 }
  },
})

export const ec2CredentialRoutes = [list, create, show, remove]
