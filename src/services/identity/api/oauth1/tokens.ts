/** The three steps of OAuth 1.0a: request token, authorization by a user, access token. */
import { route } from '../route.ts'
import { requireUndelegated } from '../bearer.ts'
import { authorizeRequestToken, createAccessToken, createRequestToken } from '../../operations/oauth1.ts'
import { policy } from '../../policies.ts'
import { isoMicros } from '../times.ts'
import { authorizeBody } from './schema.ts'
import { exactly } from '../../../../platform/http/answers.ts'
import { text } from '../answers.ts'

/** Key, secret and end of a token, as OAuth sends them. */
function formOf(token: { id: string; secret: string; expires_at: number | null }): string {
  const end = token.expires_at === null ? '' : `&oauth_expires_at=${isoMicros(Number(token.expires_at))}`
  return `oauth_token=${token.id}&oauth_token_secret=${token.secret}${end}`
}

const answer = (text: string) => ({
  status: 201 as const,
  headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
  body: text,
})

const form = ['application/x-www-form-urlencoded']

const requestToken = route({
  method: 'POST',
  path: '/OS-OAUTH1/request_token',
  policy: null,
  auth: 'none', // the consumer's signature is the proof
  stream: true, // a body, which clients leave empty, is not looked at
  contentTypes: form,
  answer: { 201: 'application/x-www-form-urlencoded' },
  async handle({ headers, url }, deps) {
    return answer(formOf(await createRequestToken(deps, { headers, path: url })))
  },
})

const accessToken = route({
  method: 'POST',
  path: '/OS-OAUTH1/access_token',
  policy: null,
  auth: 'none',
  stream: true,
  contentTypes: form,
  answer: { 201: 'application/x-www-form-urlencoded' },
  async handle({ headers, url }, deps) {
    return answer(formOf(await createAccessToken(deps, { headers, path: url })))
  },
})

const authorize = route({
  method: 'PUT',
  path: '/OS-OAUTH1/authorize/:id',
  policy: policy('authorize_request_token'),
  body: authorizeBody,
  answer: { 200: exactly({ token: exactly({ oauth_verifier: text }) }) },
  async handle({ ctx, params, body }, deps) {
    ctx.authorize(policy('authorize_request_token'))
    await requireUndelegated(deps, ctx, 'Cannot authorize a request token with a token issued via delegation.')
    const verifier = await authorizeRequestToken(deps, params.id, ctx.userId, body.roles)
    return { status: 200, body: { token: { oauth_verifier: verifier } } }
  },
})

export const oauth1Routes = [requestToken, accessToken, authorize]
