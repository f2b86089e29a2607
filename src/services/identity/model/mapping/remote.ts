import { isFound } from './pattern.ts'
import type { RemoteRule } from './types.ts'

/** Attributes of an assertion with all their values. */
export type Assertion = ReadonlyMap<string, readonly string[]>

/** Values in assertions are separated by semicolons. */
export const readAssertion = (attributes: Readonly<Record<string, string>>): Assertion =>
  new Map(Object.entries(attributes).map(([name, value]) => [name, value.split(';')]))

/**
 * The values that `{0}`, `{1}`, … stand for where the assertion meets every condition; undefined where it does not.
 * `any_one_of` and `not_any_of` only decide: they take no number.
 */
export function matchRemote(rules: readonly RemoteRule[], assertion: Assertion): (readonly string[])[] | undefined {
  const direct: (readonly string[])[] = []
  for (const rule of rules) {
    const values = assertion.get(rule.type)
    if (!values) return undefined
    const isNamed = (value: string) => listed(rule, value)
    if (rule.any_one_of) {
      if (!values.some(isNamed)) return undefined
    } else if (rule.not_any_of) {
      if (values.some(isNamed)) return undefined
    } else if (rule.blacklist) direct.push(values.filter((value) => !isNamed(value)))
    else if (rule.whitelist) direct.push(values.filter(isNamed))
    else direct.push(values)
  }
  return direct
}

function listed(rule: RemoteRule, value: string): boolean {
  const list = rule.any_one_of ?? rule.not_any_of ?? rule.blacklist ?? rule.whitelist ?? []
  return rule.regex === true ? list.some((pattern) => isFound(pattern, value)) : list.includes(value)
}
