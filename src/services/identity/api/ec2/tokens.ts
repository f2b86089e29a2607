/** POST /v3/ec2tokens and /v3/s3tokens. Only services may ask: a signature alone is no credential (CVE-2025-65073). */
import { Type, type Static } from 'typebox'
import { Invalid, Unauthorized } from '../../../../platform/errors.ts'
import { route } from '../route.ts'
import { authenticateBySignature } from '../../auth/by-signature.ts'
import { dateOf, ec2Signature, s3DateOf, s3Signature, type SignedRequest } from '../../credentials/signature.ts'
import { policy } from '../../policies.ts'
import { viewToken } from '../tokens/view.ts'
import { tokenAnswer } from '../tokens/schema.ts'

const text = Type.String({ maxLength: 65_536 })
const texts = Type.Record(Type.String(), Type.Union([text, Type.Number(), Type.Boolean()]))
const signed = Type.Object({
  access: Type.Optional(text),
  signature: Type.Optional(text),
  host: Type.Optional(text),
  verb: Type.Optional(text),
  path: Type.Optional(text),
  params: Type.Optional(texts),
  headers: Type.Optional(texts),
  body_hash: Type.Optional(text),
  token: Type.Optional(text),
})
type Signed = Static<typeof signed>

// Services call it by any of these names.
const body = Type.Object({
  credentials: Type.Optional(signed),
  credential: Type.Optional(signed),
  ec2Credentials: Type.Optional(signed),
})

function credentialsOf(request: Static<typeof body>): Signed & { access: string; signature: string } {
  const found = request.credentials ?? request.credential ?? request.ec2Credentials
  if (found?.access === undefined) throw new Unauthorized('EC2 Signature not supplied')
  if (found.signature === undefined || found.signature === '') throw new Unauthorized('EC2 signature not supplied.')
  return { ...found, access: found.access, signature: found.signature }
}

const asTexts = (record: Record<string, string | number | boolean> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, String(value)]))

const ec2 = route({
  method: 'POST',
  path: '/ec2tokens',
  policy: policy('ec2tokens_validate'),
  body,
  answer: { 200: tokenAnswer },
  async handle({ ctx, body: input }, deps) {
    ctx.authorize(policy('ec2tokens_validate'))
    const given = credentialsOf(input)
    const request: SignedRequest = {
      host: given.host ?? '',
      verb: given.verb ?? 'GET',
      path: given.path ?? '/',
      params: asTexts(given.params),
      headers: asTexts(given.headers),
      ...(given.body_hash !== undefined && { body_hash: given.body_hash }),
    }
    // Some clients sign the host without its port.
    const portless = { ...request, host: request.host.replace(/:\d+$/, '') }
    const { token, valid } = await authenticateBySignature(deps, {
      access: given.access,
      signature: given.signature,
      expected: (secret) => [ec2Signature(request, secret), ec2Signature(portless, secret)],
      date: dateOf(request),
    })
    return {
      status: 200,
      headers: { 'X-Subject-Token': token, Vary: 'X-Auth-Token' },
      body: { token: await viewToken(deps, valid, true) },
    }
  },
})

const s3 = route({
  method: 'POST',
  path: '/s3tokens',
  policy: policy('s3tokens_validate'),
  body,
  answer: { 200: tokenAnswer },
  async handle({ ctx, body: input }, deps) {
    ctx.authorize(policy('s3tokens_validate'))
    const given = credentialsOf(input)
    if (given.token === undefined) throw new Invalid('credentials/token: the string to sign is missing.')
    const stringToSign = Buffer.from(given.token, 'base64url')
    const { valid } = await authenticateBySignature(deps, {
      access: given.access,
      signature: given.signature,
      expected: (secret) => [s3Signature(stringToSign, secret)],
      date: s3DateOf(stringToSign),
    })
    return { status: 200, body: { token: await viewToken(deps, valid, true) } }
  },
})

export const signatureRoutes = [ec2, s3]
