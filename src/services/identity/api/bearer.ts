/** The token behind a request, for the rules that policies cannot say: what a delegated token must not do. */
import type { Context } from '../../../platform/auth/context.ts'
import { Forbidden, Unauthorized } from '../../../platform/errors.ts'
import type { IdentityDeps } from '../deps.ts'
import { ActionForbidden } from '../errors.ts'
import { hasDelegatedMethod, isDelegated } from '../tokens/delegation.ts'
import type { ValidToken } from '../tokens/evaluate.ts'

/** Comes from what the authenticator has just looked up. */
export async function bearerOf(deps: IdentityDeps, ctx: Context): Promise<ValidToken> {
  const valid = await deps.tokens.validate(ctx.token.reveal())
  if (!valid) throw new Unauthorized()
  return valid
}

/** Throws Forbidden, in the words of `message`, when the caller acts by something that was delegated. */
export async function requireUndelegated(deps: IdentityDeps, ctx: Context, message: string): Promise<void> {
  if (isDelegated(await bearerOf(deps, ctx))) throw new Forbidden(message)
}

/** No delegated token reads or writes secrets, nor makes any: they would outlive it (CVE-2026-90460). */
export async function requireOwnLogin(deps: IdentityDeps, ctx: Context): Promise<void> {
  if (isDelegated(await bearerOf(deps, ctx)))
    throw new ActionForbidden('Delegated tokens cannot access credentials directly')
}

/** A restricted application credential makes no further ones and ends none. */
export function requireUnrestricted({ applicationCredential }: ValidToken): void {
  if (applicationCredential && applicationCredential.unrestricted !== 1)
    throw new ActionForbidden(
      "Using method 'application_credential' is not allowed for managing additional application credentials.",
    )
}

/** What a trust, an OAuth token or a signature would make outlives the delegation that it comes from. */
export function requireNoTrust(bearer: ValidToken): void {
  if (isDelegated(bearer) && !bearer.applicationCredential)
    throw new Forbidden('Cannot manage application credentials with a token issued via delegation.')
}

/** Trusts are made by users and, from a trust, by its trustee; by no other delegation, whatever it is allowed. */
export function requireTrusted(bearer: ValidToken): void {
  if (hasDelegatedMethod(bearer)) throw new ActionForbidden('Delegated tokens cannot manage trusts.')
}
