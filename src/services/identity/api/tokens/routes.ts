import { NotFound } from '../../../../platform/errors.ts'
import { last, type ApiRequest } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import { authenticate } from '../../auth/authenticate.ts'
import type { AuthRequest } from '../../auth/method.ts'
import type { IdentityDeps } from '../../deps.ts'
import { AuthFailed } from '../../errors.ts'
import { noteRevocation } from '../../operations/revoke.ts'
import { policy } from '../../policies.ts'
import { isTrue } from '../paging.ts'
import { answerLogin } from './answer.ts'
import { authBody, loginAnswers, tokenAnswer } from './schema.ts'
import { viewToken } from './view.ts'

const issue = route({
  method: 'POST',
  path: '/auth/tokens',
  policy: null,
  auth: 'none',
  body: authBody,
  answer: loginAnswers,
  async handle({ ctx, body, query, headers, url, peer }, deps) {
    const outcome = await authenticate(deps, body.auth as AuthRequest, { headers, peer, path: url })
    return answerLogin(deps, outcome, { withCatalog: !('nocatalog' in query), requestId: ctx.requestId })
  },
})

/** The token that a request is about; 404 when it is not valid, whatever the reason. */
async function subject({ headers, query }: ApiRequest, deps: IdentityDeps) {
  const token = headers['x-subject-token']
  if (typeof token !== 'string' || token === '') throw new NotFound('No token in the request')
  const allowExpired = last(query, 'allow_expired')
  const graceMs = allowExpired !== undefined && isTrue(allowExpired) ? deps.config.allowExpiredWindow * 1000 : 0
  const valid = await deps.tokens.validate(token, graceMs)
  if (!valid) throw new NotFound('Failed to validate token')
  return { token, valid, target: { 'target.token.user_id': valid.user.id } }
}

/** Who does not say that he understands access rules would take the token for an unlimited one. */
function requireAccessRulesSupport({ headers }: ApiRequest, isLimited: boolean) {
  if (isLimited && !(Number(headers['openstack-identity-access-rules']) >= 1))
    throw new NotFound('Failed to validate token')
}

const show = route({
  method: 'GET',
  path: '/auth/tokens',
  policy: policy('validate_token'),
  answer: { 200: tokenAnswer },
  async handle(request, deps) {
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
  answer: { 200: null },
  async handle(request, deps) {
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
  answer: { 204: null },
  async handle(request, deps) {
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
