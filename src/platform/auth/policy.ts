/**
 * oslo.policy's rule language, compiled to closures once: `role:x`, `rule:x`, `user_id:%(target.user_id)s`,
 * `'literal':%(x)s`, neutron's `field:x:y=z`, `@`, `!`, `and`, `or`, `not`, parentheses.
 * Source: oslo.policy's documentation of the policy language.
 */
import type { Caller } from './credentials.ts'
import { credentialValues, isCredential } from './policy-credentials.ts'
import { circles, renamedRules, unasked } from './renamed-rules.ts'

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
  /** What of the overrides does not do what it seems to say. */
  readonly remarks: readonly string[]
  readonly #scopes: ReadonlyMap<string, readonly TokenScope[] | undefined>
  readonly #denial: (rule: Rule) => string

  /**
   * `overrides` maps rule names to check strings; those under a rule's former name count for it. A reference to a rule
   * that does not exist denies, or is the rule `default` where there is one, as in oslo.policy, and is remarked. Throws
   * PolicySyntaxError with every text that is no rule; a service's own rules refer to existing ones only.
   */
  constructor(
    rules: readonly Rule[],
    overrides: Readonly<Record<string, string>> = {},
    denial: (rule: Rule) => string = (denied) => `Policy doesn't allow ${denied.name} to be performed.`,
  ) {
    this.#denial = denial
    this.#scopes = new Map(rules.map((each) => [each.name, each.scopes]))
    const texts = new Map(rules.map((each) => [each.name, each.check]))
    const own = new Set(texts.keys())
    const given = new Map(Object.entries(overrides))
    const { renamed, remarks } = renamedRules(own, given)
    this.remarks = remarks
    for (const [name, text] of [...given, ...renamed]) texts.set(name, text)
    const problems: string[] = []
    const compiler: Compiler = {
      known: texts,
      isGiven: (name) => given.has(name) || renamed.has(name),
      remark: (text) => void remarks.push(text),
    }
    for (const [name, text] of texts) {
      try {
        this.#checks.set(name, this.#compile(name, text, compiler))
      } catch (error) {
        if (!(error instanceof PolicySyntaxError)) throw error
        problems.push(error.message)
      }
    }
    problems.push(...circles(texts))
    if (problems.length > 0) throw new PolicySyntaxError(problems.join('\n'))
    remarks.push(...unasked(own, given))
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

  #compile(name: string, text: string, compiler: Compiler): Check {
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
      return this.#atom(name, token, compiler, fail)
    }
    if (tokens.length === 0) return () => true // oslo.policy: an empty rule always passes
    const check = parseOr()
    if (at !== tokens.length) fail(`unexpected '${tokens[at]}'`)
    return check
  }

  #atom(name: string, token: string, compiler: Compiler, fail: (why: string) => never): Check {
    const colon = token.startsWith("'") ? token.indexOf(':', token.indexOf("'", 1)) : token.indexOf(':')
    if (colon < 0) return fail(`'${token}' is no check`)
    const kind = token.slice(0, colon)
    const match = token.slice(colon + 1)
    if (kind === 'rule') {
      if (compiler.known.has(match)) return (target, caller) => this.#checks.get(match)!(target, caller)
      if (!compiler.isGiven(name)) return fail(`rule '${match}' does not exist`)
      const hasDefault = compiler.known.has('default') && name !== 'default'
      const instead = hasDefault ? 'the rule default counts' : 'it lets nobody pass'
      compiler.remark(`policy rule '${name}': rule '${match}' does not exist, ${instead}`)
      return hasDefault ? (target, caller) => this.#checks.get('default')!(target, caller) : () => false
    }
    if (kind === 'role') {
      const value = valueOf(match)
      return (target, caller) => {
        const role = value(target)
        return role !== undefined && caller.roles.some((each) => each.toLowerCase() === role.toLowerCase())
      }
    }
    if (kind === 'field') return fieldCheck(match) ?? fail(`'${token}' is no check of a field`)
    if (kind === 'http' || kind === 'https')
      return fail('another program is not asked, so nobody can say who may pass; write the condition itself')
    const wanted = valueOf(match)
    if (kind.startsWith("'")) {
      const literal = kind.slice(1, -1)
      return (target) => wanted(target) === literal
    }
    if (!isCredential(kind))
      compiler.remark(`policy rule '${name}': tokens have no '${kind}', so '${token}' lets nobody pass`)
    // `domain_id:None`: the token has no domain. A null of the target, however, equals nobody's.
    if (match === 'None' && nullable.has(kind)) return (_target, caller) => credentialValues(caller, kind).length === 0
    return (target, caller) => {
      const value = wanted(target)
      return value !== undefined && credentialValues(caller, kind).includes(value)
    }
  }
}

/** What a text is compiled with. */
interface Compiler {
  readonly known: ReadonlyMap<string, string>
  /** Whether the rule comes from the operator. */
  isGiven(name: string): boolean
  remark(text: string): void
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
  const look = (target: PolicyTarget, at: string) =>
    asText(Object.hasOwn(target, at) ? target[at] : dig(target, at.split('.')))
  // One thing under its name of before and of now.
  const other = path.endsWith('tenant_id')
    ? path.replace(/tenant_id$/, 'project_id')
    : path.replace(/project_id$/, 'tenant_id')
  return (target) => look(target, path) ?? look(target, other)
}

/** Neutron's `field:networks:router:external=True`; `=~` finds a regular expression from the beginning of the value. */
function fieldCheck(match: string): Check | undefined {
  const parts = /^[^:]+:([^=]+)=(~?)(.*)$/.exec(match)
  if (!parts) return undefined
  const [, field = '', isPattern, text = ''] = parts
  const pattern = isPattern ? fromTheBeginning(text) : undefined
  if (isPattern && !pattern) return undefined
  return (target) => {
    const value = Object.hasOwn(target, field) ? target[field] : undefined
    // neutron converts the text as it converts the attribute of that name
    if (typeof value === 'boolean' && !pattern) return booleanWords.get(text.toLowerCase()) === value
    const written = value === null ? undefined : asText(value)
    return written !== undefined && (pattern ? pattern.test(written) : written === text)
  }
}

/** As Python's re.match does; undefined for what is no regular expression. */
function fromTheBeginning(pattern: string): RegExp | undefined {
  try {
    return new RegExp(`^(?:${pattern})`)
  } catch {
    return undefined
  }
}

const booleanWords: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
])

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
