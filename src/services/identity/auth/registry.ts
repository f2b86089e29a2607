import type { AuthMethod } from './method.ts'
import { applicationCredential } from './methods/application-credential.ts'
import { external } from './methods/external.ts'
import { mappedAs } from './methods/mapped.ts'
import { oauth1 } from './methods/oauth1.ts'
import { password } from './methods/password.ts'
import { token } from './methods/token.ts'
import { totp } from './methods/totp.ts'

const methods: Readonly<Record<string, AuthMethod>> = {
  password,
  token,
  totp,
  oauth1,
  external,
  mapped: mappedAs('mapped'),
  // Names that the guides use for protocols: the same method.
  saml2: mappedAs('saml2'),
  openid: mappedAs('openid'),
  x509: mappedAs('x509'),
  application_credential: applicationCredential,
}

/** The method of that name, where `[auth] methods` allows it. */
export const methodNamed = (name: string, allowed: readonly string[]): AuthMethod | undefined =>
  allowed.includes(name) && Object.hasOwn(methods, name) ? methods[name] : undefined

/** The methods that can be used: those of multi-factor rules that cannot are no hindrance (bug 2102096). */
export const usableMethods = (allowed: readonly string[]): string[] =>
  allowed.filter((name) => Object.hasOwn(methods, name))
