import { NotFound } from '../../../../platform/errors.ts'
import { ActionForbidden, AuthFailed, expected } from '../../errors.ts'
import { hasDelegatedMethod } from '../../tokens/delegation.ts'
import type { AuthMethod, Proof } from '../method.ts'

/**
 * A token for another scope. Tokens that were delegated make no further tokens, or what was delegated would grow; the
 * new token ends when the first of the chain does.
 */
export const token: AuthMethod = async (deps, input, { scope }) => {
  const { id } = (input ?? {}) as { id?: string }
  if (typeof id !== 'string') throw expected('id', 'token')
  const valid = await deps.tokens.validate(id)
  // 404, not 401: as keystone, which clients tell from a wrong password by it.
  if (!valid) throw new NotFound('Failed to validate token')
  const { payload } = valid
  const wantsProjectOrDomain = typeof scope === 'object' && (scope.project ?? scope.domain) !== undefined
  if (payload.accessTokenId !== undefined)
    throw new ActionForbidden(
      'Using OAuth-scoped token to create another token. Create a new OAuth-scoped token instead',
    )
  if (payload.trustId !== undefined)
    throw new ActionForbidden(
      'Using trust-scoped token to create another token. Create a new trust-scoped token instead',
    )
  if (payload.scope.kind === 'system' && wantsProjectOrDomain)
    throw new ActionForbidden(
      'Using a system-scoped token to create a project-scoped or domain-scoped token is not allowed.',
    )
  if (hasDelegatedMethod(valid))
    throw new ActionForbidden('Using a delegated token to create another token is not allowed.')
  if (payload.scope.kind !== 'unscoped' && !deps.config.allowRescope)
    throw new ActionForbidden('rescope a scoped token')
  const user = await deps.tokens.register.user(payload.userId)
  if (!user) throw new AuthFailed()
  const proof: Proof = {
    user,
    methods: ['token', ...payload.methods],
    expiresAt: payload.expiresAt,
    from: payload.scope,
    ...(payload.federation && { federation: payload.federation }),
  }
  // The chain's first id: revoking it ends every token that came from it.
  const first = payload.auditIds.at(-1)
  return first === undefined ? proof : { ...proof, parentAuditId: first }
}
