import type { Context } from '../../../platform/auth/context.ts'
import { Forbidden } from '../../../platform/http/errors.ts'
import type { IdentityDeps } from '../deps.ts'

/** Throws Forbidden when the caller acts by a trust, an access token or an application credential. */
export async function requireUndelegated(deps: IdentityDeps, ctx: Context, message: string): Promise<void> {
  const valid = await deps.tokens.validate(ctx.token.reveal())
  const { trustId, accessTokenId, applicationCredentialId } = valid?.payload ?? {}
  if (!valid || (trustId ?? accessTokenId ?? applicationCredentialId) != null) throw new Forbidden(message)
}
