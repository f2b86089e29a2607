/** Rules of mappings: what a version allows, and what becomes of an assertion. */
import { Invalid } from '../../../platform/errors.ts'
import { findProblem } from '../../../platform/http/schema.ts'
import { ValidationFailed } from '../errors.ts'
import { evaluateMapping } from '../model/mapping/evaluate.ts'
import { compilePattern } from '../model/mapping/pattern.ts'
import { ruleSchemas } from '../model/mapping/schema.ts'
import { MappingError, type Mapped, type Rule, type SchemaVersion } from '../model/mapping/types.ts'

/** Rules as somebody has written them. Throws Invalid on what their version does not know or that cannot be run. */
export function readRules(
  input: Readonly<Record<string, unknown>>,
  defaultVersion: string,
): { rules: Rule[]; schemaVersion: SchemaVersion } {
  const version = (input['schema_version'] as string | undefined) || defaultVersion
  if (!Object.hasOwn(ruleSchemas, version)) throw new Invalid(`There is no mapping schema version '${version}'.`)
  const schemaVersion = version as SchemaVersion
  const problem = findProblem(ruleSchemas[schemaVersion], input)
  if (problem) throw new Invalid(`Invalid input for field '${problem.path.join('/')}': ${problem.message}\n`)
  const rules = input['rules'] as Rule[]
  requirePatterns(rules)
  return { rules, schemaVersion }
}

function requirePatterns(rules: readonly Rule[]) {
  for (const [at, rule] of rules.entries()) {
    for (const [number, remote] of rule.remote.entries()) {
      if (remote.regex !== true) continue
      try {
        for (const list of [remote.any_one_of, remote.not_any_of, remote.blacklist, remote.whitelist]) {
          list?.forEach(compilePattern)
        }
      } catch (error) {
        if (!(error instanceof MappingError)) throw error
        throw new Invalid(`Invalid input for field 'rules/${at}/remote/${number}': ${error.message}`)
      }
    }
  }
}

/**
 * `mapping_engine`: what the rules of a file (JSON) make of an assertion (`NAME: value`, one a line), in keystone's
 * words. Only names that begin with `prefix` count. Throws ValidationFailed or Invalid with what is wrong.
 */
export function runMappingEngine(
  files: { rules: string; assertion: string },
  { prefix = '', schemaVersion }: { prefix?: string | undefined; schemaVersion?: string | undefined } = {},
): object {
  const input = parseRules(files.rules)
  const { rules, schemaVersion: version } = readRules(
    { ...input, ...(schemaVersion !== undefined && { schema_version: schemaVersion }) },
    '1.0',
  )
  const attributes = Object.entries(parseAssertion(files.assertion)).filter(([name]) => name.startsWith(prefix))
  try {
    return view(evaluateMapping({ id: 'file', rules, schemaVersion: version }, Object.fromEntries(attributes)), version)
  } catch (error) {
    if (error instanceof MappingError) throw new ValidationFailed(error.message)
    throw error
  }
}

function parseRules(text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new ValidationFailed(`Error while parsing rules: ${(error as Error).message}`)
  }
  return Array.isArray(value) ? { rules: value } : { ...(value as object) }
}

function parseAssertion(text: string): Record<string, string> {
  const found: Record<string, string> = {}
  for (const [at, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const colon = line.indexOf(':')
    if (colon < 0)
      throw new ValidationFailed(
        `the assertion file at line ${at + 1} expected 'key: value' but found '${line.trim()}'`,
      )
    found[line.slice(0, colon).trim()] = line.slice(colon + 1).trim()
  }
  return found
}

const view = ({ user, groupIds, groupNames, projects }: Mapped, schemaVersion: SchemaVersion) => ({
  user,
  group_ids: groupIds,
  group_names: groupNames,
  projects,
  schema_version: schemaVersion,
})
