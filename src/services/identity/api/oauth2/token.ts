/** POST /v3/OS-OAUTH2/token: RFC 6749's client credentials grant, with its own form of requests and errors. */
import { statusOf, HttpError } from '../../../../platform/http/errors.ts'
import type { Readable } from 'node:stream'
import type { ApiRequest } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import type { IdentityDeps } from '../../deps.ts'
import { issueClientToken, OAuth2Error, type Client } from '../../operations/oauth2.ts'
import { Type } from 'typebox'
import { exactly } from '../../../../platform/http/answers.ts'
import { text } from '../answers.ts'

const longestForm = 16_384
const form = 'application/x-www-form-urlencoded'

const grantAnswer = exactly({ access_token: text, token_type: text, expires_in: Type.Integer() })
/** Errors have the form of the RFC, too. */
const errorAnswer = exactly({ error: text, error_description: text })

const token = route({
  method: 'POST',
  path: '/OS-OAUTH2/token',
  policy: null,
  auth: 'none', // the client's credentials are the proof
  stream: true, // a form, which is read here
  contentTypes: [form],
  answer: { 200: grantAnswer, 400: errorAnswer, 401: errorAnswer },
  async handle(request, deps) {
    try {
      const fields = await readForm(request)
      requireGrant(fields.get('grant_type'))
      const { token: id, valid } = await issueClientToken(deps, clientOf(request, fields, deps))
      const seconds = Math.round((valid.payload.expiresAt - valid.issuedAt) / 1000)
      return {
        status: 200,
        headers: { 'Cache-Control': 'no-store' },
        body: { access_token: id, token_type: 'Bearer', expires_in: seconds },
      }
    } catch (error) {
      if (!(error instanceof OAuth2Error)) throw error
      deps.log.info({ detail: error.detail, error: error.error }, 'no OAuth 2.0 token for a client')
      return refusal(error, deps)
    }
  },
})

const refusal = (error: OAuth2Error, { baseUrl }: IdentityDeps) => ({
  // Others have the same form, whatever they are.
  status: statusOf(error) as 400 | 401,
  ...(error.kind === 'unauthenticated' && { headers: { 'WWW-Authenticate': `Keystone uri="${baseUrl}"` } }),
  body: { error: error.error, error_description: error.message },
})

function requireGrant(type: string | null) {
  if (type === null) throw new OAuth2Error('invalid', 'invalid_request', 'The parameter grant_type is required.')
  if (type !== 'client_credentials')
    throw new OAuth2Error('invalid', 'unsupported_grant_type', `The parameter grant_type ${type} is not supported.`)
}

/** A certificate goes before a password, in the header or in the form. */
function clientOf(request: ApiRequest, fields: URLSearchParams, deps: IdentityDeps): Client {
  const { clientCertificate: certificate } = deps.proxies.assertionOf(request)
  const basic = certificate === undefined ? basicOf(request.headers.authorization) : undefined
  return {
    id: basic?.id ?? fields.get('client_id') ?? undefined,
    secret: basic?.secret ?? fields.get('client_secret') ?? undefined,
    certificate,
    peer: request.peer,
  }
}

function basicOf(header: string | undefined): { id: string; secret: string } | undefined {
  const match = /^Basic\s+([A-Za-z0-9+/=]+)\s*$/i.exec(header ?? '')
  if (!match) return undefined
  const text = Buffer.from(match[1]!, 'base64').toString('utf8')
  const at = text.indexOf(':')
  return at < 0 ? undefined : { id: text.slice(0, at), secret: text.slice(at + 1) }
}

async function readForm({ headers, stream }: { headers: ApiRequest['headers']; stream: Readable }) {
  const type = (headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase()
  if (type !== form) return new URLSearchParams()
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > longestForm) throw new HttpError(413, `The body is larger than ${longestForm} bytes.`)
    chunks.push(chunk)
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'))
}

export const oauth2Routes = [token]
