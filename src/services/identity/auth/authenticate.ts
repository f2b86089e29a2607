/** POST /v3/auth/tokens: who is it, for what scope, is that enough, and the token. Every refusal is the same 401. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { IncomingHttpHeaders } from 'node:http'
import { Forbidden, Unauthorized } from '../../../platform/errors.ts'
import type { IdentityDeps } from '../deps.ts'
import { AuthFailed, expected } from '../errors.ts'
import { findRow, type Row } from '../store/rows.ts'
import { takeTrustUse } from '../store/trusts.ts'
import type { ValidToken } from '../tokens/evaluate.ts'
import type { TokenPayload } from '../tokens/payload.ts'
import { newAuditId } from '../tokens/provider.ts'
import { isEnough, rulesOf } from './factors.ts'
import { isUsable } from './find.ts'
import type { AuthEnvironment, AuthRequest, Proof } from './method.ts'
import { methodNamed, usableMethods } from './registry.ts'
import { requireOneScope, resolveScope, type WantedScope } from './scope.ts'

/** A token, or the receipt of a proof that is not enough yet. */
export type Outcome =
  | { kind: 'token'; token: string; valid: ValidToken }
  | { kind: 'receipt'; receipt: string; user: Row<'users'>; methods: string[]; expiresAt: number; required: string[][] }

/** Checks the proofs of a request and issues a token. */
export async function authenticate(
  deps: IdentityDeps,
  { identity, scope }: AuthRequest,
  request: Omit<AuthEnvironment, 'scope'>,
): Promise<Outcome> {
  requireOneScope(scope)
  const proof = await prove(deps, identity, { ...request, scope })
  const earlier = receiptOf(deps, request.headers, proof)
  const methods = [...new Set([...proof.methods, ...earlier])]
  const rules = rulesOf(proof.user, usableMethods(deps.config.authMethods))
  if (!isEnough(rules, methods)) return issueReceipt(deps, proof.user, methods, rules)
  return issueToken(deps, { ...proof, methods }, await resolveScope(deps, proof, scope))
}

/** Issues a token for what has been proved; consumes a use of the trust that it is scoped by. */
export async function issueToken(
  deps: IdentityDeps,
  proof: Proof,
  { scope, trust }: WantedScope,
): Promise<Outcome & { kind: 'token' }> {
  if (trust) await requireTrustHolds(deps, trust, proof.user)
  const ends = [freshExpiry(deps), proof.expiresAt, trust?.expires_at].flatMap((end) =>
    end == null ? [] : [Number(end)],
  )
  const payload: TokenPayload = {
    userId: proof.user.id,
    methods: proof.methods,
    scope,
    expiresAt: Math.min(...ends),
    auditIds: [newAuditId(), ...(proof.parentAuditId === undefined ? [] : [proof.parentAuditId])],
    ...(trust && { trustId: trust.id }),
    ...(proof.applicationCredentialId !== undefined && { applicationCredentialId: proof.applicationCredentialId }),
    ...(proof.accessTokenId !== undefined && { accessTokenId: proof.accessTokenId }),
    ...(proof.thumbprint !== undefined && { thumbprint: proof.thumbprint }),
    ...(proof.federation && { federation: proof.federation }),
  }
  await nextSecondAfter(Number(proof.user.tokens_valid_after))
  const token = deps.tokens.issue(payload)
  const valid = await deps.tokens.validate(token)
  if (!valid) throw trust ? new Forbidden('Trustee has no delegated roles.') : new AuthFailed()
  if (trust && !(await consumeUse(deps, trust))) throw new AuthFailed()
  return { kind: 'token', token, valid }
}

async function prove(
  deps: IdentityDeps,
  identity: AuthRequest['identity'],
  environment: AuthEnvironment,
): Promise<Proof> {
  const names = [...new Set(identity.methods)]
  // Who comes through a proxy that has authenticated him needs to name no method.
  const isExternal = names.length === 0 && deps.proxies.assertionOf(environment).remoteUser !== undefined
  if (isExternal) names.push('external')
  if (names.length === 0) throw expected('methods', 'identity')
  for (const name of names) if (!isExternal && !Object.hasOwn(identity, name)) throw expected(name, 'identity')
  const proofs: Proof[] = []
  for (const name of names) {
    const method = methodNamed(name, deps.config.authMethods)
    if (!method) throw new Unauthorized('Attempted to authenticate with an unsupported method.')
    proofs.push(await method(deps, identity[name], environment))
  }
  const [first] = proofs
  if (!first || proofs.some((proof) => proof.user.id !== first.user.id)) throw new AuthFailed()
  const ends = proofs.flatMap((proof) => proof.expiresAt ?? [])
  return {
    ...(Object.assign({}, ...proofs) as Proof),
    methods: proofs.flatMap((proof) => proof.methods),
    ...(ends.length > 0 && { expiresAt: Math.min(...ends) }),
  }
}

/** The methods that an earlier request of the same user has proved. */
function receiptOf(deps: IdentityDeps, headers: IncomingHttpHeaders, proof: Proof): string[] {
  const text = headers['openstack-auth-receipt']
  if (typeof text !== 'string' || text === '') return []
  const receipt = deps.receipts.open(text)
  if (!receipt || receipt.userId !== proof.user.id) throw new AuthFailed()
  return receipt.methods
}

function issueReceipt(deps: IdentityDeps, user: Row<'users'>, methods: string[], required: string[][]): Outcome {
  const expiresAt = (Math.floor(Date.now() / 1000) + deps.config.receiptExpiration) * 1000
  const receipt = deps.receipts.issue({ userId: user.id, methods, expiresAt })
  return { kind: 'receipt', receipt, user, methods, expiresAt, required }
}

const freshExpiry = (deps: IdentityDeps) => Math.floor(Date.now() / 1000) * 1000 + deps.config.expiration * 1000

/** A token of the very second in which the older ones ended would be taken for one of them. */
async function nextSecondAfter(time: number) {
  const next = (Math.floor(time / 1000) + 1) * 1000
  // A timer may fire a millisecond early by this clock.
  for (let wait = next - Date.now(); wait > 0; wait = next - Date.now()) await sleep(wait)
}

async function requireTrustHolds(deps: IdentityDeps, trust: Row<'trusts'>, user: Row<'users'>) {
  if (trust.trustee_user_id !== user.id) throw new Forbidden('User is not a trustee.')
  if (trust.expires_at !== null && Number(trust.expires_at) <= Date.now()) throw new AuthFailed()
  const trustor = await findRow(deps.database.db, 'users', { id: trust.trustor_user_id })
  if (!trustor || !(await isUsable(deps, trustor))) throw new Forbidden('Trustor is disabled.')
}

/** False when the last use was taken by another request meanwhile. */
const consumeUse = async ({ database }: IdentityDeps, trust: Row<'trusts'>): Promise<boolean> =>
  trust.remaining_uses === null || takeTrustUse(database.db, trust.id)
