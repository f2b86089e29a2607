/** What a login is answered with, whichever way it came. */
import type { ResponseOf } from '../../../../platform/http/answers.ts'
import type { Outcome } from '../../auth/authenticate.ts'
import type { IdentityDeps } from '../../deps.ts'
import { findRow } from '../../store/rows.ts'
import { isoMicros } from '../times.ts'
import type { loginAnswers, receiptAnswers } from './schema.ts'
import { viewToken } from './view.ts'

/** The token, or the receipt of a proof that is not enough yet. */
export async function answerLogin(
  deps: IdentityDeps,
  outcome: Outcome,
  { withCatalog, requestId }: { withCatalog: boolean; requestId: string },
): Promise<ResponseOf<typeof loginAnswers>> {
  if (outcome.kind === 'receipt') return answerReceipt(deps, outcome)
  const { user, payload } = outcome.valid
  deps.log.info({ audit: true, requestId, userId: user.id, methods: payload.methods, scope: payload.scope }, 'login')
  return {
    status: 201,
    headers: { 'X-Subject-Token': outcome.token, Vary: 'X-Auth-Token' },
    body: { token: await viewToken(deps, outcome.valid, withCatalog) },
  }
}

/** What was proved so far and what is still asked for: 401, as the caller has no token yet. */
export async function answerReceipt(
  deps: IdentityDeps,
  outcome: Outcome & { kind: 'receipt' },
): Promise<ResponseOf<typeof receiptAnswers>> {
  const { user, receipt, methods, expiresAt, required } = outcome
  const domain = await findRow(deps.database.db, 'projects', { id: user.domain_id })
  return {
    status: 401,
    headers: { 'Openstack-Auth-Receipt': receipt, Vary: 'X-Auth-Token' },
    body: {
      receipt: {
        methods,
        user: { id: user.id, name: user.name, domain: { id: user.domain_id, name: domain?.name ?? '' } },
        expires_at: isoMicros(expiresAt),
        issued_at: isoMicros(Math.floor(Date.now() / 1000) * 1000),
      },
      required_auth_methods: required,
    },
  }
}
