import { Forbidden } from '../http/errors.ts'
import { Secret } from './secret.ts'
import type { AccessRule } from './access-rules.ts'
import type { PolicyEnforcer, PolicyTarget, Rule } from './policy.ts'

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

/** One request: who asks, under which id, and what they may do. */
export interface Context extends Credentials {
  readonly requestId: string
  /** The caller's own id of the request (`X-Openstack-Request-Id` of the service before). */
  readonly globalRequestId: string | null
  readonly isAdmin: boolean
  /** Roles of the service token that came along (X-Service-Token), if any. */
  readonly serviceRoles: readonly string[]
  /** Throws Forbidden unless `rule` allows the caller to act on `target` (which comes from the database). */
  authorize(rule: Rule, target?: PolicyTarget): void
  /** As `authorize`, as an answer. */
  can(rule: Rule, target?: PolicyTarget): boolean
}

const nobody: Credentials = {
  userId: '',
  userName: '',
  userDomainId: '',
  projectId: null,
  projectName: null,
  projectDomainId: null,
  domainId: null,
  systemScope: null,
  roles: [],
  expiresAt: '',
  token: new Secret(''),
  applicationCredentialId: null,
  auditId: '',
}

/** Builds the context of a request; without credentials it is an anonymous one that passes no rule but `@`. */
export function createContext(
  enforcer: PolicyEnforcer,
  requestId: string,
  credentials: Credentials | null,
  extra: { globalRequestId?: string | null; serviceRoles?: readonly string[] } = {},
): Context {
  const who = credentials ?? nobody
  const context: Context = {
    ...who,
    requestId,
    globalRequestId: extra.globalRequestId ?? null,
    isAdmin: who.roles.includes('admin'),
    serviceRoles: extra.serviceRoles ?? [],
    can: (rule, target = {}) => enforcer.check(rule, target, context),
    authorize(rule, target = {}) {
      if (!enforcer.check(rule, target, context)) {
        throw new Forbidden(enforcer.denial(rule), { code: rule.name })
      }
    },
  }
  return context
}
