import type { Rule } from './types.ts'

/** Every attribute that the rules of a mapping look at. */
export const attributeNames = (rules: readonly Rule[]): string[] => [
  ...new Set(rules.flatMap((rule) => rule.remote.map((remote) => remote.type))),
]
