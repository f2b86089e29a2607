import { readFileSync } from 'node:fs'
import { isThere } from '../../base/is-there.ts'
import { authtokenOptions } from './authtoken.ts'
import { optionsOfStart } from './common.ts'
import { readIni } from './ini.ts'
import { judge, type Declaration } from './judge.ts'
import { keyOf } from './names.ts'
import type { OptionDeclaration, Values } from './options.ts'
import { movedTo, type Program } from './upstream.ts'
import { convert, type Located } from './values.ts'

/** A configuration that cannot be used; the message has a line for each problem: file, section, option, remedy. */
export class ConfigError extends Error {
  constructor(problems: string | readonly string[]) {
    super(typeof problems === 'string' ? problems : inOrder(problems).join('\n'))
  }
}

/** Each once, by file and line. */
const inOrder = (problems: readonly string[]) =>
  [...new Set(problems)].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))

/**
 * Reads the options of a service from its files (a later file wins), with `$name` substitution. Options under the names
 * that they had in older releases count; what upstream knows and means nothing here is passed over. Both is told to
 * `remark`. What nobody knows is an error. Throws ConfigError with all problems of all files.
 */
export function loadConfig<D extends Record<string, Declaration>>(
  program: Program,
  declarations: D,
  files: readonly string[],
  remark: (text: string) => void = () => undefined,
): Values<D> {
  const { located, problems } = readFiles(files)
  const known: Declaration[] = [...Object.values(declarations), ...ofStart(program)]
  for (const each of located) {
    const verdict = judge(program, each, known)
    if (verdict?.isProblem) problems.push(verdict.text)
    else if (verdict) remark(verdict.text)
  }
  const values = Object.entries(declarations).map(([key, declaration]) => {
    const { value, problem } = valueOf(program, declaration, located, remark)
    if (problem !== undefined) problems.push(problem)
    return [key, value]
  })
  if (problems.length > 0) throw new ConfigError(problems)
  return Object.fromEntries(values) as Values<D>
}

/** Options that those read who start a service. Keystone asks nobody about tokens. */
const ofStart = (program: Program): Declaration[] => [
  ...optionsOfStart,
  ...(program === 'keystone' ? [] : Object.values(authtokenOptions)),
]

/** Says of each option in files that nothing is taken from that it has no effect, and why. */
export function tellFiles(program: Program, files: readonly string[], remark: (text: string) => void): void {
  const { located, problems } = readFiles(files)
  for (const each of located) remark(judge(program, each, [])!.text)
  for (const problem of problems) remark(problem)
}

/** One option, whatever else is in the files: for programs that are not the service itself. */
export function readOption<T>(program: Program, declaration: OptionDeclaration<T>, files: readonly string[]): T {
  const { value, problem } = valueOf(program, declaration, readFiles(files).located, () => undefined)
  if (problem !== undefined) throw new ConfigError(problem)
  return value as T
}

/** Several of them. Throws ConfigError with all problems. */
export function readOptions<D extends Record<string, Declaration>>(
  program: Program,
  declarations: D,
  files: readonly string[],
): Values<D> {
  const { located } = readFiles(files)
  const problems: string[] = []
  const values = Object.entries(declarations).map(([key, declaration]) => {
    const { value, problem } = valueOf(program, declaration, located, () => undefined)
    if (problem !== undefined) problems.push(problem)
    return [key, value]
  })
  if (problems.length > 0) throw new ConfigError(problems)
  return Object.fromEntries(values) as Values<D>
}

function readFiles(files: readonly string[]): { located: Located[]; problems: string[] } {
  const located: Located[] = []
  const problems: string[] = []
  for (const file of files.filter((each) => isThere(each))) {
    const ini = readIni(readFileSync(file, 'utf8'), file)
    located.push(...ini.entries.map((entry) => ({ file, entry })))
    problems.push(...ini.problems)
  }
  return { located, problems }
}

/** The value under the option's own name, else under one that it had. */
function valueOf(
  program: Program,
  declaration: Declaration,
  located: readonly Located[],
  remark: (text: string) => void,
): { value: unknown; problem?: string } {
  const key = keyOf(declaration.section, declaration.name)
  const found =
    located.findLast(({ entry }) => keyOf(entry.section, entry.name) === key) ??
    located.findLast(({ entry }) => movedTo(program, entry.section, entry.name) === key)
  return found ? convert(found, declaration, located, remark) : { value: declaration.default }
}
