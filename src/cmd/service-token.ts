import type { Transport } from '../platform/http/client.ts'
import { RemoteError } from '../platform/http/client.ts'

/**
 * Tokens of a service's own user in project `service`: one is kept and replaced when a fifth of its life is left.
 * `identity` is asked only then.
 */
export function serviceTokens(identity: Transport, user: string, password: string): () => Promise<string> {
  let token = ''
  let renewAt = 0
  let renewal: Promise<string> | undefined
  const issue = async (): Promise<string> => {
    const domain = { name: 'Default' }
    const response = await identity.send({
      method: 'POST',
      path: '/v3/auth/tokens',
      json: {
        auth: {
          identity: { methods: ['password'], password: { user: { name: user, domain, password } } },
          scope: { project: { name: 'service', domain } },
        },
      },
    })
    if (response.status !== 201) throw new RemoteError(`identity POST /v3/auth/tokens as ${user}`, response)
    const { token: body } = response.body as { token: { expires_at: string } }
    token = response.headers['x-subject-token'] ?? ''
    renewAt = Date.now() + (Date.parse(body.expires_at) - Date.now()) * 0.8
    return token
  }
  return () => {
    if (token !== '' && Date.now() < renewAt) return Promise.resolve(token)
    renewal ??= issue().finally(() => (renewal = undefined))
    return renewal
  }
}
