/** Tokens for signed EC2 and S3 requests: for the services that received them (OSSA-2025-002). */
import { constantTimeEqual } from '../../../platform/auth/secret.ts'
import { NotFound, Unauthorized } from '../../../platform/errors.ts'
import { findCredential, idOfAccessKey, type Credential, type Ec2Blob } from '../credentials/store.ts'
import { msOf } from '../credentials/signature.ts'
import type { IdentityDeps } from '../deps.ts'
import { findRow, type Row } from '../store/rows.ts'
import { signatureMethod } from '../tokens/delegation.ts'
import type { ValidToken } from '../tokens/evaluate.ts'
import { issueToken } from './authenticate.ts'
import { isUsable } from './find.ts'
import type { Proof } from './method.ts'

export interface Signed {
  access: string
  signature: string
  /** The signature that the request must have; undefined when it cannot have one. Candidates in turn. */
  expected(secret: string): (string | undefined)[]
  /** The time that was signed, if any. */
  date: string | undefined
}

/** Checks signature and time, then issues a token of the credential's owner, as narrow as what made the credential. */
export async function authenticateBySignature(
  deps: IdentityDeps,
  signed: Signed,
): Promise<{ token: string; valid: ValidToken }> {
  const credential = await findCredential(deps, idOfAccessKey(signed.access))
  if (!credential || credential.type !== 'ec2') throw new NotFound('EC2 access key not found.')
  const blob = JSON.parse(credential.blob) as Ec2Blob
  const isRight = signed
    .expected(blob.secret ?? '')
    .some((expected) => expected !== undefined && constantTimeEqual(expected, signed.signature))
  if (!isRight || blob.secret === undefined) throw new Unauthorized('Invalid EC2 signature.')
  requireRecent(signed.date, deps.config.credentialAuthTtl * 60_000)
  return issueFor(deps, credential, blob)
}

/** A signature is good for a while only, or whoever has seen the request may repeat it for ever (CVE-2020-12692). */
function requireRecent(date: string | undefined, windowMs: number): void {
  if (date === undefined) return // heat's presigned addresses leave it out on purpose
  const ms = msOf(date)
  if (Number.isNaN(ms)) throw new Unauthorized(`Credential timestamp is invalid: ${date}`)
  if (Math.abs(Date.now() - ms) > windowMs) throw new Unauthorized('Credential is expired')
}

async function issueFor(deps: IdentityDeps, credential: Credential, blob: Ec2Blob) {
  if (credential.projectId === null) throw new Unauthorized()
  const { user, trust, ...delegation } = await sourceOf(deps, credential, blob)
  if (!user || !(await isUsable(deps, user))) throw new Unauthorized()
  const proof: Proof = { user, methods: [signatureMethod], ...delegation }
  return issueToken(deps, proof, {
    scope: { kind: 'project', projectId: credential.projectId },
    ...(trust && { trust }),
  })
}

type Source = Pick<Proof, 'applicationCredentialId' | 'accessTokenId' | 'expiresAt'> & {
  user: Row<'users'> | undefined
  trust?: Row<'trusts'>
}

/** Whose token it is and what it is delegated by. A credential is worth nothing without what it was made by. */
async function sourceOf({ database: { db } }: IdentityDeps, { userId }: Credential, blob: Ec2Blob): Promise<Source> {
  const ends = (row: { expires_at: number | null }) =>
    row.expires_at === null ? {} : { expiresAt: Number(row.expires_at) }
  if (blob.trust_id) {
    const trust = await findRow(db, 'trusts', { id: blob.trust_id })
    if (!trust || trust.deleted_at !== null || !isOfTrust(trust, userId)) throw new Unauthorized()
    return { user: await findRow(db, 'users', { id: trust.trustee_user_id }), trust }
  }
  const user = await findRow(db, 'users', { id: userId })
  if (blob.app_cred_id !== undefined) {
    const source = await findRow(db, 'application_credentials', { id: blob.app_cred_id, user_id: userId })
    if (!source) throw new Unauthorized()
    return { user, applicationCredentialId: source.id, ...ends(source) }
  }
  if (blob.access_token_id !== undefined) {
    const source = await findRow(db, 'access_tokens', { id: blob.access_token_id, authorizing_user_id: userId })
    if (!source) throw new Unauthorized()
    return { user, accessTokenId: source.id, ...ends(source) }
  }
  return { user }
}

/** The trustee made it, as himself or, where the trust impersonates, as the trustor: nobody else's makes tokens of it. */
const isOfTrust = (trust: Row<'trusts'>, ownerId: string): boolean =>
  ownerId === (trust.impersonation === 1 ? trust.trustor_user_id : trust.trustee_user_id)
