/**
 * oslo.policy's rule language, compiled to closures once: `role:x`, `rule:x`, `user_id:%(target.user_id)s`,
 * `'literal':%(x)s`, neutron's `field:x:y=z`, `@`, `!`, `and`, `or`, `not`, parentheses.
 * Source: oslo.policy's documentation of the policy language.
 */
import type { Caller } from './credentials.ts'

/** Flat or nested facts about the thing acted on; they come from the database, never from the request. */
export type PolicyTarget = { readonly [key: string]: unknown }

/** What a token is for; one without a scope counts as a project's, as in oslo.policy. */
export type TokenScope = 'system' | 'domain' | 'project'

export interface Rule {
  /** Upstream's name, letter for letter: operators have it in their policy files. */
  readonly name: string
  /** The default check string. */
  readonly check: string
  readonly description: string
  /** `METHOD /path` of every operation it protects; empty for helper rules. */
  readonly operations: readonly string[]
  /** Scopes of tokens that may pass it at all (oslo.policy's `scope_types`); absent: any. */
  readonly scopes?: readonly TokenScope[]
}

/** Declares a policy rule. */
export const rule = (name: string, check: string, description = '', ...operations: string[]): Rule => ({
  name,
  check,
  description,
  operations,
})

type Check = (target: PolicyTarget, caller: Caller) => boolean

export class PolicySyntaxError extends Error {}

/** Holds the compiled rules of one service with an operator's overrides (`policy.yaml`) applied. */
export class PolicyEnforcer {
  readonly #checks = new Map<string, Check>()
  readonly #scopes: ReadonlyMap<string, readonly TokenScope[] | undefined>
  readonly #denial: (rule: Rule) => string

  /**
   * `overrides` maps rule names to check strings. Throws PolicySyntaxError on a text that is no rule and on a
   * reference to a rule that does not exist (a typing error would otherwise deny everything silently).
   */
  constructor(
    rules: readonly Rule[],
    overrides: Readonly<Record<string, string>> = {},
    denial: (rule: Rule) => string = (denied) => `Policy doesn't allow ${denied.name} to be performed.`,
  ) {
    this.#denial = denial
    this.#scopes = new Map(rules.map((each) => [each.name, each.scopes]))
    const texts = new Map(rules.map((each) => [each.name, each.check]))
    for (const [name, text] of Object.entries(overrides)) texts.set(name, text)
    for (const [name, text] of texts) this.#checks.set(name, this.#compile(name, text, texts))
  }

  check(which: Rule, target: PolicyTarget, caller: Caller): boolean {
    const check = this.#checks.get(which.name)
    if (!check) throw new Error(`policy rule ${which.name} is not registered with its service`)
    return (this.#scopes.get(which.name)?.includes(scopeOf(caller)) ?? true) && check(target, caller)
  }

  /** The sentence that a refused caller reads. */
  denial(which: Rule): string {
    return this.#denial(which)
  }

  #compile(name: string, text: string, known: ReadonlyMap<string, string>): Check {
    const tokens = tokenize(text)
    let at = 0
    const fail = (why: string): never => {
      throw new PolicySyntaxError(`policy rule '${name}': ${why} in "${text}"`)
    }
    const accept = (word: string): boolean => {
      const isThere = tokens[at] === word
      if (isThere) at++
      return isThere
    }
    const parseOr = (): Check => {
      const parts = [parseAnd()]
      while (accept('or')) parts.push(parseAnd())
      return parts.length === 1 ? parts[0]! : (target, caller) => parts.some((part) => part(target, caller))
    }
    const parseAnd = (): Check => {
      const parts = [parseNot()]
      while (accept('and')) parts.push(parseNot())
      return parts.length === 1 ? parts[0]! : (target, caller) => parts.every((part) => part(target, caller))
    }
    const parseNot = (): Check => {
      if (!accept('not')) return parseAtom()
      const inner = parseNot()
      return (target, caller) => !inner(target, caller)
    }
    const parseAtom = (): Check => {
      const token = tokens[at++]
      if (token === undefined) return fail('something is missing at the end')
      if (token === '(') {
        const inner = parseOr()
        if (tokens[at++] !== ')') return fail('a closing parenthesis is missing')
        return inner
      }
      if (token === '@') return () => true
      if (token === '!') return () => false
      return this.#atom(token, known, fail)
    }
    if (tokens.length === 0) return () => true // oslo.policy: an empty rule always passes
    const check = parseOr()
    if (at !== tokens.length) fail(`unexpected '${tokens[at]}'`)
    return check
  }

  #atom(token: string, known: ReadonlyMap<string, string>, fail: (why: string) => never): Check {
    const colon = token.startsWith("'") ? token.indexOf(':', token.indexOf("'", 1)) : token.indexOf(':')
    if (colon < 0) return fail(`'${token}' is no check`)
    const kind = token.slice(0, colon)
    const match = token.slice(colon + 1)
    if (kind === 'rule') {
      if (!known.has(match)) return fail(`rule '${match}' does not exist`)
      return (target, caller) => this.#checks.get(match)!(target, caller)
    }
    if (kind === 'role') {
      const value = valueOf(match)
      return (target, caller) => {
        const role = value(target)
        return role !== undefined && caller.roles.some((each) => each.toLowerCase() === role.toLowerCase())
      }
    }
    if (kind === 'field') return fieldCheck(match) ?? fail(`'${token}' is no check of a field`)
    if (kind === 'http' || kind === 'https') return fail('remote checks are not supported')
    const wanted = valueOf(match)
    if (kind.startsWith("'")) {
      const literal = kind.slice(1, -1)
      return (target) => wanted(target) === literal
    }
    // `domain_id:None`: the token has no domain. A null of the target, however, equals nobody's.
    if (match === 'None' && nullable.has(kind)) return (_target, caller) => credentialValues(caller, kind).length === 0
    return (target, caller) => {
      const value = wanted(target)
      return value !== undefined && credentialValues(caller, kind).includes(value)
    }
  }
}

const nullable = new Set(['user_id', 'project_id', 'domain_id', 'system_scope', 'user_domain_id', 'project_domain_id'])

const scopeOf = (caller: Caller): TokenScope => (caller.systemScope ? 'system' : caller.domainId ? 'domain' : 'project')

function tokenize(text: string): string[] {
  const tokens: string[] = []
  const pattern = /\s*(\(|\)|'[^']*':(?:%\([^)]*\)s|[^\s()]+)|(?:%\([^)]*\)s|[^\s()%]|%)+)/gy
  let match
  while ((match = pattern.exec(text))) tokens.push(match[1]!)
  return tokens
}

/** The right side of a check: a literal or `%(path)s` looked up in the target. */
function valueOf(match: string): (target: PolicyTarget) => string | undefined {
  const reference = /^%\(([^)]+)\)s$/.exec(match)
  if (!reference) return () => match.replace(/^'(.*)'$/, '$1')
  const path = reference[1]!
  const parts = path.split('.')
  return (target) => asText(Object.hasOwn(target, path) ? target[path] : dig(target, parts))
}

/** Neutron's `field:networks:router:external=True`; `=~` compares with a regular expression. */
function fieldCheck(match: string): Check | undefined {
  const parts = /^[^:]+:([^=]+)=(~?)(.*)$/.exec(match)
  if (!parts) return undefined
  const [, field = '', isPattern, text = ''] = parts
  const pattern = isPattern ? new RegExp(text) : undefined
  return (target) => {
    const value = asText(Object.hasOwn(target, field) ? target[field] : undefined)
    return value !== undefined && (pattern ? pattern.test(value) : value === text)
  }
}

function dig(from: unknown, parts: readonly string[]): unknown {
  let value = from
  for (const part of parts) {
    // hasOwn: an inherited property (`constructor`) is no fact about the target
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
    value = (value as Record<string, unknown>)[part]
  }
  return value
}

const asText = (value: unknown): string | undefined => {
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (value === null) return 'None'
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
}

/** The left side of a check: what the caller's credentials say under oslo's names. */
function credentialValues(caller: Caller, kind: string): readonly string[] {
  switch (kind) {
    case 'user_id':
      return present(caller.userId)
    case 'project_id':
    case 'tenant_id':
    case 'tenant':
      return present(caller.projectId)
    case 'domain_id':
      return present(caller.domainId)
    case 'system_scope':
    case 'system':
      return present(caller.systemScope)
    case 'user_domain_id':
      return present(caller.userDomainId)
    case 'project_domain_id':
    case 'token.project.domain.id':
      return present(caller.projectDomainId)
    case 'token.domain.id':
      return present(caller.domainId)
    case 'service_roles':
      return caller.serviceRoles
    case 'is_admin':
      return [caller.isAdmin ? 'True' : 'False', caller.isAdmin ? '1' : '0']
    case 'is_admin_project':
      return ['True'] // keystone: true unless an admin project is configured
    case 'None':
      return ['None']
    default:
      return []
  }
}

const present = (value: string | null): string[] => (value ? [value] : [])
