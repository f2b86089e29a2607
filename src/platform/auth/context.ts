import { Forbidden } from '../errors.ts'
import { Secret } from './secret.ts'
import type { Caller, Credentials } from './credentials.ts'
import type { PolicyEnforcer, PolicyTarget, Rule } from './policy.ts'

/** One request: who asks, under which id, and what they may do. */
export interface Context extends Caller {
  readonly requestId: string
  /** The caller's own id of the request (`X-Openstack-Request-Id` of the service before). */
  readonly globalRequestId: string | null
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
