/** What a way of authenticating gives: methods are files in `methods/`, the table of them is `registry.ts`. */
import type { IncomingHttpHeaders } from 'node:http'
import type { IdentityDeps } from '../deps.ts'
import type { Row } from '../store/rows.ts'
import type { Federation, Scope } from '../tokens/payload.ts'

/** A user, project or domain as a request names it. */
export type Named = { id?: string; name?: string }
export type NamedInDomain = Named & { domain?: Named }

export interface AuthRequest {
  /** `methods` and, for each, what it needs under its own name. */
  identity: { methods: string[]; [method: string]: unknown }
  scope?:
    | string
    | {
        project?: NamedInDomain
        domain?: Named
        system?: { all?: boolean }
        unscoped?: object
        'OS-TRUST:trust'?: { id?: string }
      }
}

/** Who the caller has proved to be, and what that proof limits. */
export interface Proof {
  user: Row<'users'>
  /** The method itself, and those that it hands on (`token`). */
  methods: readonly string[]
  /** Tokens made from this proof end then at the latest (ms); absent for the usual time. */
  expiresAt?: number
  /** First audit id of the chain that goes on. */
  parentAuditId?: string
  /** Scope of the token that was shown. */
  from?: Scope
  /** The scope that comes with the proof; another cannot be asked for. */
  fixedScope?: Scope
  applicationCredentialId?: string
  accessTokenId?: string
  /** Of the client certificate that tokens are bound to. */
  thumbprint?: string
  federation?: Federation
}

/** What a method sees of the request beside its own part of the body. */
export interface AuthEnvironment {
  readonly headers: IncomingHttpHeaders
  /** Path and query of the request, which OAuth 1 signatures cover. */
  readonly path: string
  /** Address at the other end of the connection; undefined for clients in this process. */
  readonly peer: string | undefined
  readonly scope: AuthRequest['scope']
}

/**
 * Checks one proof. Throws AuthFailed (401, always the same text) when it does not hold and ValidationFailed (400) when
 * the request is malformed.
 */
export type AuthMethod = (deps: IdentityDeps, input: unknown, environment: AuthEnvironment) => Promise<Proof>
