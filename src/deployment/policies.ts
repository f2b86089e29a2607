/** The policy files of a service, as oslo.policy finds and reads them. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { isThere } from '../base/is-there.ts'
import { parse } from 'yaml'
import { ConfigError, readOption } from '../platform/config/config.ts'
import { policyFileOption, policyFoldersOption } from '../platform/config/common.ts'
import type { Program } from '../platform/config/upstream.ts'

/**
 * An operator's rules, by name: of `[oslo_policy] policy_file` (policy.yaml, else policy.json, beside the configuration),
 * then of the files of `policy_dirs` by their names; later ones replace earlier ones. A file that is named and not there
 * is told. Throws ConfigError with everything that is no rule.
 */
export function readPolicies(
  program: Program,
  configFiles: readonly string[],
  remark: (text: string) => void = () => undefined,
): Record<string, string> {
  const folder = dirname(configFiles[0]!)
  const named = readOption(program, policyFileOption, configFiles)
  const main = candidates(folder, named).find((file) => isThere(file))
  if (main === undefined && named !== '')
    remark(`[oslo_policy] policy_file = ${named}: there is no such file; the rules are those of the service`)
  const more = readOption(program, policyFoldersOption, configFiles).flatMap((name) => filesOf(resolve(folder, name)))
  const problems: string[] = []
  const rules: Record<string, string> = {}
  for (const file of [...(main === undefined ? [] : [main]), ...more]) Object.assign(rules, readRules(file, problems))
  if (problems.length > 0) throw new ConfigError(problems)
  return rules
}

/** Where the main file may be: /etc/nova/policy.yaml of a copied configuration has been copied too. */
function candidates(folder: string, named: string): string[] {
  const standard = [join(folder, 'policy.yaml'), join(folder, 'policy.json')]
  if (named === '') return standard
  // oslo.policy's own default was policy.json once: files that name it and have moved on since are many.
  const moved = basename(named) === 'policy.json' ? [...standard].reverse() : []
  return [resolve(folder, named), join(folder, basename(named)), ...moved]
}

const filesOf = (folder: string): string[] =>
  isThere(folder)
    ? readdirSync(folder)
        .sort()
        .map((name) => join(folder, name))
        .filter((file) => !file.includes('/.') && statSync(file).isFile())
    : []

/** JSON is YAML too. */
function readRules(file: string, problems: string[]): Record<string, string> {
  let content: unknown
  try {
    content = parse(readFileSync(file, 'utf8')) ?? {}
  } catch (error) {
    problems.push(`${file}: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`)
    return {}
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    problems.push(`${file}: must map rule names to check strings`)
    return {}
  }
  const rules: Record<string, string> = {}
  for (const [name, check] of Object.entries(content)) {
    const text = textOf(check)
    if (text === undefined) problems.push(`${file}: rule ${name} must be a check string`)
    else rules[name] = text
  }
  return rules
}

/** A rule as text, or in the oldest form: a list of lists, of which all checks of one must pass. */
function textOf(check: unknown): string | undefined {
  if (typeof check === 'string') return check
  if (!Array.isArray(check)) return undefined
  const groups = check.map((each: unknown) => (Array.isArray(each) ? each : [each]) as unknown[])
  if (groups.length === 0) return '@'
  if (!groups.flat().every((each) => typeof each === 'string')) return undefined
  return groups.map((group) => `(${group.join(' and ')})`).join(' or ')
}
