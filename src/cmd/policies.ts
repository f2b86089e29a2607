import { existsSync, readFileSync } from 'node:fs'
import { parse } from 'yaml'

/** An operator's `policy.yaml`: rule name to check string. Throws with file and rule on anything else. */
export function readPolicies(file: string): Record<string, string> {
  if (!existsSync(file)) return {}
  const rules: unknown = parse(readFileSync(file, 'utf8')) ?? {}
  if (typeof rules !== 'object' || Array.isArray(rules))
    throw new Error(`${file}: must map rule names to check strings`)
  for (const [name, check] of Object.entries(rules as object)) {
    if (typeof check !== 'string') throw new Error(`${file}: rule ${name} must be a check string`)
  }
  return rules as Record<string, string>
}
