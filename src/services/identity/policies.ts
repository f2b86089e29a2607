/**
 * Keystone's default policies: upstream's rule names and check strings, letter for letter, for operators have them in their
 * files. `policies/` has them by what they protect.
 */
import { rule, type Rule } from '../../platform/auth/policy.ts'
import { scopesOf } from './policy-scopes.ts'
import { assignments } from './policies/assignments.ts'
import { catalog } from './policies/catalog.ts'
import { delegation } from './policies/delegation.ts'
import { domains } from './policies/domains.ts'
import { federation } from './policies/federation.ts'
import { limits } from './policies/limits.ts'
import { people } from './policies/people.ts'
import { roles } from './policies/roles.ts'
import { shared } from './policies/shared.ts'
import { tokens } from './policies/tokens.ts'

const table = [
  ...shared,
  ...tokens,
  ...people,
  ...domains,
  ...roles,
  ...assignments,
  ...catalog,
  ...limits,
  ...delegation,
  ...federation,
]

const ruleOf = (name: string, check: string, operations: readonly string[]): Rule => {
  const scopes = scopesOf(name)
  return { ...rule(name, check, '', ...operations), ...(scopes && { scopes }) }
}

const byName = new Map(table.map(([name, check, ...operations]) => [name, ruleOf(name, check, operations)]))

/** Every rule, for the enforcer. */
export const policies: readonly Rule[] = [...byName.values()]

/** The rules without their scopes, for `[oslo_policy] enforce_scope = false`. */
export const unscopedPolicies: readonly Rule[] = [...byName.values()].map((each) =>
  rule(each.name, each.check, '', ...each.operations),
)

/** The rule `identity:<name>`. Throws on a name that keystone does not have. */
export function policy(name: string): Rule {
  const found = byName.get(`identity:${name}`)
  if (!found) throw new Error(`keystone has no policy identity:${name}`)
  return found
}
