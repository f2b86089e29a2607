import { Forbidden } from '../../../../platform/errors.ts'
import { expected } from '../../errors.ts'
import { logInFederated } from '../../operations/federated-login.ts'
import type { AuthMethod } from '../method.ts'
import { token } from './token.ts'

interface Input {
  id?: string
  identity_provider?: string
  protocol?: string
}

/**
 * Federation: the proxy in front has checked an assertion (SAML 2.0, OpenID Connect, …) and passes its attributes; the
 * mapping of the protocol says who that is. With the id of a token: another scope for it, as the method `token`.
 */
export const mappedAs =
  (name: string): AuthMethod =>
  async (deps, input, environment) => {
    const { id, identity_provider: providerId, protocol } = (input ?? {}) as Input
    if (typeof id === 'string') return rescope(deps, { id }, environment)
    if (typeof providerId !== 'string') throw expected('identity_provider', 'mapped')
    if (typeof protocol !== 'string') throw expected('protocol', 'mapped')
    const login = await logInFederated(deps, providerId, protocol, deps.proxies.assertionOf(environment))
    return { ...login, methods: [name] }
  }

const rescope: AuthMethod = async (deps, input, environment) => {
  const proof = await token(deps, input, environment)
  if (!proof.federation) throw new Forbidden('The token is none of a federated user.')
  return proof
}
