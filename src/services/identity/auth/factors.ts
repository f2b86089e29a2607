/** Multi-factor rules of a user: which sets of methods let him in. */
import type { Row } from '../store/rows.ts'
import { optionsOf } from '../users/options.ts'

/**
 * The rules that a user must meet one of, without the methods that nobody can use. Empty: any proof will do. A rule of
 * methods that are all switched off is ignored, so that an operator locks nobody out by configuration.
 */
export function rulesOf(user: Row<'users'>, usable: readonly string[]): string[][] {
  const { multi_factor_auth_enabled: isOn, multi_factor_auth_rules: rules } = optionsOf(user)
  if (isOn === false) return []
  return (rules ?? []).map((rule) => rule.filter((name) => usable.includes(name))).filter((rule) => rule.length > 0)
}

/** True when the methods that succeeded are enough. */
export const isEnough = (rules: readonly string[][], methods: readonly string[]): boolean =>
  rules.length === 0 || rules.some((rule) => rule.every((name) => methods.includes(name)))
