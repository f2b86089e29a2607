/** The token behind a request, for the rules that policies cannot say: what a delegated token must not do. */
import type { Context } from '../../../platform/auth/context.ts'
import { Forbidden, Unauthorized } from '../../../platform/http/errors.ts'
import type { IdentityDeps } from '../deps.ts'
import { ActionForbidden } from '../errors.ts'
import type { ValidToken } from '../tokens/evaluate.ts'

/** Comes from what the authenticator has just looked up. */
export async function bearerOf(deps: IdentityDeps, ctx: Context): Promise<ValidToken> {
  const valid = await deps.tokens.validate(ctx.token.reveal())
  if (!valid) throw new Unauthorized()
  return valid
}

/** True for the tokens of trusts, application credentials and OAuth 1 access tokens. */
export const isDelegated = ({ payload }: ValidToken): boolean =>
  payload.trustId !== undefined || payload.accessTokenId !== undefined || payload.applicationCredentialId !== undefined

/** A restricted application credential makes no further credentials (CVE-2026-33551). */
export function requireUnrestricted({ applicationCredential }: ValidToken, what: string): void {
  if (applicationCredential && applicationCredential.unrestricted !== 1)
    throw new ActionForbidden(`Using method 'application_credential' is not allowed for managing additional ${what}.`)
}

/** What a trust or an OAuth 1 token would make outlives the delegation that it comes from. */
export function requireNoTrust({ payload }: ValidToken): void {
  if (payload.trustId !== undefined || payload.accessTokenId !== undefined)
    throw new Forbidden('Cannot manage application credentials with a token issued via delegation.')
}

/** A delegated token sees only what belongs to the project that it was delegated for (keystone bug 2150089). */
export const isInProject = (bearer: ValidToken, projectId: string | null): boolean =>
  !isDelegated(bearer) || (projectId !== null && projectId === bearer.project?.id)
