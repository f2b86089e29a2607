import type { AccessRule } from './access-rules.ts'
import type { Secret } from './secret.ts'

/** What a validated token says about its bearer. Times are ISO 8601 texts in UTC. */
export interface Credentials {
  userId: string
  userName: string
  userDomainId: string
  projectId: string | null
  projectName: string | null
  projectDomainId: string | null
  /** The domain of a domain-scoped token. */
  domainId: string | null
  systemScope: 'all' | null
  roles: readonly string[]
  expiresAt: string
  /** The token itself, to act on behalf of the user at another service. */
  token: Secret
  /** Set for tokens of application credentials. */
  applicationCredentialId: string | null
  /** The only requests that an application credential may be used for; null without such a limit. */
  accessRules?: readonly AccessRule[] | null
  auditId: string
}

/** Who asks, as rules of a policy see him. */
export interface Caller extends Credentials {
  readonly isAdmin: boolean
  /** Roles of the service token that came along (X-Service-Token), if any. */
  readonly serviceRoles: readonly string[]
}
