import { NotFound } from '../../../../platform/http/errors.ts'
import { last, route, type ApiRequest, type ApiResponse } from '../../../../platform/http/route.ts'
import { authenticate, type Outcome } from '../../auth/authenticate.ts'
import type { AuthRequest } from '../../auth/method.ts'
import type { IdentityDeps } from '../../deps.ts'
import { AuthFailed } from '../../errors.ts'
import { noteRevocation } from '../../operations/revoke.ts'
import { policy } from '../../policies.ts'
import { findRow } from '../../store/rows.ts'
import { isTrue } from '../paging.ts'
import { isoMicros } from '../times.ts'
import { authBody } from './schema.ts'
import { viewToken } from './view.ts'

const issue = route({
  method: 'POST',
  path: '/auth/tokens',
  policy: null,
  auth: 'none',
  body: authBody,
  async handle({ body, query, headers, url, peer }, deps: IdentityDeps) {
    const outcome = await authenticate(deps, body.auth as AuthRequest, { headers, peer, path: url })
    if (outcome.kind === 'receipt') return answerReceipt(deps, outcome)
    const view = await viewToken(deps, outcome.valid, !('nocatalog' in query))
    return {
      status: 201,
      headers: { 'X-Subject-Token': outcome.token, Vary: 'X-Auth-Token' },
      body: { token: view },
    }
  },
})

/** What was proved so far and what is still asked for: 401, as the caller has no token yet. */
async function answerReceipt(deps: IdentityDeps, outcome: Outcome & { kind: 'receipt' }): Promise<ApiResponse> {
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

/** The token that a request is about; 404 when it is not valid, whatever the reason. */
async function subject({ headers, query }: ApiRequest<never>, deps: IdentityDeps) {
  const token = headers['x-subject-token']
  if (typeof token !== 'string' || token === '') throw new NotFound('No token in the request')
  const allowExpired = last(query, 'allow_expired')
  const graceMs = allowExpired !== undefined && isTrue(allowExpired) ? deps.config.allowExpiredWindow * 1000 : 0
  const valid = await deps.tokens.validate(token, graceMs)
  if (!valid) throw new NotFound('Failed to validate token')
  return { token, valid, target: { 'target.token.user_id': valid.user.id } }
}

/** Who does not say that he understands access rules would take the token for an unlimited one. */
function requireAccessRulesSupport({ headers }: ApiRequest<never>, isLimited: boolean) {
  if (isLimited && !(Number(headers['openstack-identity-access-rules']) >= 1))
    throw new NotFound('Failed to validate token')
}

const show = route({
  method: 'GET',
  path: '/auth/tokens',
  policy: policy('validate_token'),
  async handle(request: ApiRequest<never>, deps: IdentityDeps) {
    const { token, valid, target } = await subject(request, deps)
    request.ctx.authorize(policy('validate_token'), target)
    requireAccessRulesSupport(request, valid.accessRules !== null)
    const view = await viewToken(deps, valid, !('nocatalog' in request.query))
    return { status: 200, headers: { 'X-Subject-Token': token, Vary: 'X-Auth-Token' }, body: { token: view } }
  },
})

const check = route({
  method: 'HEAD',
  path: '/auth/tokens',
  policy: policy('check_token'),
  async handle(request: ApiRequest<never>, deps: IdentityDeps) {
    const { token, valid, target } = await subject(request, deps)
    request.ctx.authorize(policy('check_token'), target)
    requireAccessRulesSupport(request, valid.accessRules !== null)
    return { status: 200, headers: { 'X-Subject-Token': token, Vary: 'X-Auth-Token' } }
  },
})

const revoke = route({
  method: 'DELETE',
  path: '/auth/tokens',
  policy: policy('revoke_token'),
  async handle(request: ApiRequest<never>, deps: IdentityDeps) {
    const { valid, target } = await subject(request, deps)
    request.ctx.authorize(policy('revoke_token'), target)
    const [auditId] = valid.payload.auditIds
    if (auditId === undefined) throw new AuthFailed()
    await noteRevocation(deps.database.db, { audit_id: auditId })
    deps.changed()
    return { status: 204, headers: { Vary: 'X-Auth-Token' } }
  },
})

export const tokenRoutes = [issue, show, check, revoke]
