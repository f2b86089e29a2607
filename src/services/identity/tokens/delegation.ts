/** Which tokens were delegated: made from something that a user has given away, not by the user himself. */
import { Forbidden } from '../../../platform/errors.ts'
import type { ValidToken } from './evaluate.ts'

type Bearer = Pick<ValidToken, 'payload'>

/**
 * Methods by which users themselves log in. Whatever is not among them is a delegation, so that a method that is added
 * one day is not taken for a login because somebody forgot a list.
 */
const primary: ReadonlySet<string> = new Set([
  'external',
  'mapped',
  'openid',
  'password',
  'saml2',
  'token',
  'totp',
  'x509',
])

/** The method of tokens that were made from a signature (EC2, S3). */
export const signatureMethod = 'ec2credential'

/**
 * Identity answers no request with a token of a signature: such tokens are for the service that received the request,
 * to be validated and used elsewhere (CVE-2026-80182). Throws Forbidden.
 */
export function requireUnsigned({ payload }: Bearer): void {
  if (payload.methods.includes(signatureMethod))
    throw new Forbidden('EC2 credential tokens cannot be used for authorization.')
}

/**
 * True unless a user has logged in himself. A trust is no method: who uses one has logged in. Tokens that have lost
 * their methods come from signatures, which had no mark once.
 */
export const hasDelegatedMethod = ({ payload }: Bearer): boolean =>
  payload.applicationCredentialId !== undefined ||
  payload.accessTokenId !== undefined ||
  payload.thumbprint !== undefined ||
  payload.methods.length === 0 ||
  payload.methods.some((method) => !primary.has(method))

/** True for the tokens of trusts, application credentials, OAuth tokens, client certificates and signatures. */
export const isDelegated = (bearer: Bearer): boolean =>
  bearer.payload.trustId !== undefined || hasDelegatedMethod(bearer)
