import { RemoteError, type Transport } from '../platform/http/client.ts'

type Scope = 'project' | 'system'

interface Kept {
  token: string
  renewAt: number
  renewal: Promise<string> | undefined
}

/**
 * Tokens of a service's own user, for project `service` or the whole system: one of each is kept and replaced when a fifth
 * of its life is left. `identity` is asked only then.
 */
export function serviceTokens(identity: Transport, user: string, password: string): (scope?: Scope) => Promise<string> {
  const kept: Record<Scope, Kept> = {
    project: { token: '', renewAt: 0, renewal: undefined },
    system: { token: '', renewAt: 0, renewal: undefined },
  }
  const domain = { name: 'Default' }
  const scopes = { project: { project: { name: 'service', domain } }, system: { system: { all: true } } }
  const issue = async (scope: Scope): Promise<string> => {
    const methods = { methods: ['password'], password: { user: { name: user, domain, password } } }
    const json = { auth: { identity: methods, scope: scopes[scope] } }
    const response = await identity.send({ method: 'POST', path: '/v3/auth/tokens', json })
    if (response.status !== 201) throw new RemoteError(`identity POST /v3/auth/tokens as ${user}`, response)
    const { token: body } = response.body as { token: { expires_at: string } }
    const token = response.headers['x-subject-token'] ?? ''
    const renewAt = Date.now() + (Date.parse(body.expires_at) - Date.now()) * 0.8
    Object.assign(kept[scope], { token, renewAt })
    return token
  }
  return (scope = 'project') => {
    const own = kept[scope]
    if (own.token !== '' && Date.now() < own.renewAt) return Promise.resolve(own.token)
    own.renewal ??= issue(scope).finally(() => (own.renewal = undefined))
    return own.renewal
  }
}
