import { Type } from 'typebox'
import { NotFound } from '../../../../platform/http/errors.ts'
import { last, route, type ApiRequest } from '../../../../platform/http/route.ts'
import { upsert } from '../../../../platform/db/upsert.ts'
import type { IdentityDeps } from '../../deps.ts'
import { AuthFailed } from '../../errors.ts'
import { authenticate, type AuthRequest } from '../../operations/authenticate.ts'
import { policy } from '../../policies.ts'
import { viewToken } from './view.ts'

const text = Type.String({ maxLength: 4096 })
const domain = Type.Object({ id: Type.Optional(text), name: Type.Optional(text) })
const named = { id: Type.Optional(text), name: Type.Optional(text), domain: Type.Optional(domain) }

const authBody = Type.Object({
  auth: Type.Object({
    identity: Type.Object({
      methods: Type.Array(text, { maxItems: 20 }),
      password: Type.Optional(Type.Object({ user: Type.Object({ ...named, password: text }) })),
      token: Type.Optional(Type.Object({ id: text })),
      application_credential: Type.Optional(
        Type.Object({
          id: Type.Optional(text),
          name: Type.Optional(text),
          secret: text,
          user: Type.Optional(Type.Object(named)),
        }),
      ),
    }),
    scope: Type.Optional(
      Type.Union([
        Type.Literal('unscoped'),
        Type.Object({
          project: Type.Optional(Type.Object(named)),
          domain: Type.Optional(domain),
          system: Type.Optional(Type.Object({ all: Type.Optional(Type.Boolean()) })),
          unscoped: Type.Optional(Type.Object({})),
        }),
      ]),
    ),
  }),
})

const issueToken = route({
  method: 'POST',
  path: '/auth/tokens',
  policy: null,
  auth: 'none',
  body: authBody,
  async handle({ body, query }, deps: IdentityDeps) {
    const { token, valid } = await authenticate(deps, body.auth as AuthRequest)
    const view = await viewToken(deps, valid, !('nocatalog' in query))
    return { status: 201, headers: { 'X-Subject-Token': token, Vary: 'X-Auth-Token' }, body: { token: view } }
  },
})

/** The token that a request is about; 404 when it is not valid, whatever the reason. */
async function subject({ headers, query }: ApiRequest<never>, deps: IdentityDeps) {
  const token = headers['x-subject-token']
  if (typeof token !== 'string' || token === '') throw new NotFound('Could not find token: .')
  const graceMs = last(query, 'allow_expired') === '1' ? deps.config.allowExpiredWindow * 1000 : 0
  const valid = await deps.tokens.validate(token, graceMs)
  if (!valid) throw new NotFound('Could not recognize Fernet token')
  return { token, valid, target: { 'target.token.user_id': valid.user.id } }
}

const showToken = route({
  method: 'GET',
  path: '/auth/tokens',
  policy: policy('validate_token'),
  async handle(request: ApiRequest<never>, deps: IdentityDeps) {
    const { token, valid, target } = await subject(request, deps)
    request.ctx.authorize(policy('validate_token'), target)
    const view = await viewToken(deps, valid, !('nocatalog' in request.query))
    return { status: 200, headers: { 'X-Subject-Token': token, Vary: 'X-Auth-Token' }, body: { token: view } }
  },
})

const checkToken = route({
  method: 'HEAD',
  path: '/auth/tokens',
  policy: policy('check_token'),
  async handle(request: ApiRequest<never>, deps: IdentityDeps) {
    const { token, target } = await subject(request, deps)
    request.ctx.authorize(policy('check_token'), target)
    return { status: 200, headers: { 'X-Subject-Token': token, Vary: 'X-Auth-Token' } }
  },
})

const revokeToken = route({
  method: 'DELETE',
  path: '/auth/tokens',
  policy: policy('revoke_token'),
  async handle(request: ApiRequest<never>, deps: IdentityDeps) {
    const { valid, target } = await subject(request, deps)
    request.ctx.authorize(policy('revoke_token'), target)
    const [auditId] = valid.payload.auditIds
    if (auditId === undefined) throw new AuthFailed()
    const { db, engine } = deps.database
    await upsert(db, engine, 'revoked_tokens', ['audit_id'], { audit_id: auditId, expires_at: valid.payload.expiresAt })
    deps.changed()
    return { status: 204 }
  },
})

export const tokenRoutes = [issueToken, showToken, checkToken, revokeToken]
