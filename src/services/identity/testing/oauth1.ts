/** A consumer of OAuth 1 for tests: signs requests and goes through the three steps to an access token. */
import { randomBytes } from 'node:crypto'
import { baseString, signatureOf } from '../model/oauth1/signature.ts'
import type { Answer, TestIdentity } from './identity.ts'

export interface Keys {
  id: string
  secret: string
}

/** The Authorization header of a request that a consumer signs. */
export function signedOAuth(path: string, consumer: Keys, token?: Keys, more: Record<string, string> = {}): string {
  const params = new Map(
    Object.entries({
      oauth_consumer_key: consumer.id,
      oauth_nonce: randomBytes(8).toString('hex'),
      oauth_signature_method: 'HMAC-SHA1',
      oauth_timestamp: String(Math.floor(Date.now() / 1000)),
      oauth_version: '1.0',
      ...(token && { oauth_token: token.id }),
      ...more,
    }),
  )
  const text = baseString('POST', `http://identity/v3${path}`, params)
  params.set('oauth_signature', signatureOf(params, text, { client: consumer.secret, token: token?.secret ?? '' }))
  return `OAuth ${[...params].map(([name, value]) => `${name}="${encodeURIComponent(value)}"`).join(', ')}`
}

/** The keys in the answer of the first and third step. */
export const keysOf = (answer: Answer): Keys => {
  const form = new URLSearchParams(String(answer.body))
  return { id: form.get('oauth_token')!, secret: form.get('oauth_token_secret')! }
}

export class OAuthConsumer {
  readonly #identity: TestIdentity
  readonly keys: Keys

  constructor(identity: TestIdentity, keys: Keys) {
    this.#identity = identity
    this.keys = keys
  }

  static async create(identity: TestIdentity): Promise<OAuthConsumer> {
    const consumer = { description: 'program' }
    return new OAuthConsumer(identity, await identity.make<Keys>('POST', '/OS-OAUTH1/consumers', { consumer }))
  }

  async askFor(projectId: string): Promise<Keys> {
    const path = '/OS-OAUTH1/request_token'
    const authorization = signedOAuth(path, this.keys, undefined, { oauth_callback: 'oob' })
    return keysOf(await this.#post(path, { authorization, 'requested-project-id': projectId }))
  }

  exchange(request: Keys, oauth_verifier: string): Promise<Answer> {
    const path = '/OS-OAUTH1/access_token'
    return this.#post(path, { authorization: signedOAuth(path, this.keys, request, { oauth_verifier }) })
  }

  login(access: Keys, scope?: object): Promise<Answer> {
    const authorization = signedOAuth('/auth/tokens', this.keys, access)
    return this.#identity.authenticate({ methods: ['oauth1'], oauth1: {} }, scope, { authorization })
  }

  #post(path: string, headers: Record<string, string>) {
    return this.#identity.request('POST', path, { token: '', headers })
  }
}
