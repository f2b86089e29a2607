import { existsSync, readFileSync } from 'node:fs'
import { logOptions } from '../log/options.ts'
import { parseIni, type IniEntry } from './ini.ts'
import type { OptionDeclaration, Values } from './options.ts'
import { whyWithoutEffect } from './without-effect.ts'

/** A configuration that cannot be used; the message names file, section, option and the remedy. */
export class ConfigError extends Error {}

/**
 * Reads the options of a service from its files (a later file wins), with `$name` substitution. What upstream knows and
 * means nothing here, as the install guides write it, is passed over and told to `remark`; what nobody knows is an error.
 */
export function loadConfig<D extends Record<string, OptionDeclaration<never> | OptionDeclaration>>(
  declarations: D,
  files: readonly string[],
  remark: (text: string) => void = () => undefined,
): Values<D> {
  const entries = readFiles(files)
  // Who makes the log of a service reads how.
  const known = [...Object.values(declarations), ...Object.values(logOptions)]
  for (const located of entries) check(located, known, remark)
  const values = Object.entries(declarations).map(([key, declaration]) => [key, valueOf(declaration, entries)])
  return Object.fromEntries(values) as Values<D>
}

/** One option, whatever else is in the files: for programs that are not the service itself. */
export const readOption = <T>(declaration: OptionDeclaration<T>, files: readonly string[]): T =>
  valueOf(declaration, readFiles(files)) as T

interface Located {
  file: string
  entry: IniEntry
}

const readFiles = (files: readonly string[]): Located[] =>
  files
    .filter((file) => existsSync(file))
    .flatMap((file) => parseIni(readFileSync(file, 'utf8'), file).map((entry) => ({ file, entry })))

function check(
  { file, entry }: Located,
  known: readonly (OptionDeclaration<never> | OptionDeclaration)[],
  remark: (text: string) => void,
) {
  const { section, name } = entry
  if (known.some((declaration) => declaration.section === section && declaration.name === name)) return
  const place = `${file}:${entry.line}: [${section}] ${name}`
  const why = whyWithoutEffect(section, name)
  if (why !== undefined) return remark(`${place} has no effect: ${why}`)
  const near = known.find((declaration) => declaration.name === name)
  const remedy = near ? `; it belongs in [${near.section}]` : '; remove it or correct its name'
  throw new ConfigError(`${place} is no known option${remedy}`)
}

function valueOf(declaration: OptionDeclaration<never> | OptionDeclaration, entries: readonly Located[]): unknown {
  const found = entries.findLast(
    ({ entry }) => entry.section === declaration.section && entry.name === declaration.name,
  )
  return found ? convert(found.entry, declaration, found.file, entries) : declaration.default
}

function convert(
  entry: IniEntry,
  declaration: OptionDeclaration<never> | OptionDeclaration,
  file: string,
  all: readonly Located[],
): unknown {
  const texts = entry.values.map((value) => substitute(value, all))
  const text = texts.at(-1)!
  const fail = (why: string): never => {
    throw new ConfigError(
      `${file}:${entry.line}: [${entry.section}] ${entry.name} = ${declaration.type === 'secret' ? '***' : text}: ${why}`,
    )
  }
  if (declaration.choices && !declaration.choices.includes(text))
    fail(`must be one of ${declaration.choices.join(', ')}`)
  switch (declaration.type) {
    case 'integer':
    case 'float': {
      const number = Number(text)
      const whole = declaration.type === 'float' || Number.isInteger(number)
      if (text.trim() === '' || !Number.isFinite(number) || !whole) fail(`must be a${whole ? '' : ' whole'} number`)
      if (declaration.min !== undefined && number < declaration.min) fail(`must be at least ${declaration.min}`)
      if (declaration.max !== undefined && number > declaration.max) fail(`must be at most ${declaration.max}`)
      return number
    }
    case 'boolean':
      if (/^(true|1|on|yes)$/i.test(text)) return true
      if (/^(false|0|off|no)$/i.test(text)) return false
      return fail('must be true or false')
    case 'list':
      return text
        .split(',')
        .map((each) => each.trim())
        .filter((each) => each !== '')
    case 'multi':
      return texts
    default:
      return text
  }
}

/** `$my_ip` and `${my_ip}` stand for the option of that name in [DEFAULT]; `$$` is a dollar. */
function substitute(value: string, all: readonly Located[]): string {
  return value.replace(/\$(\$|\{?([A-Za-z_][A-Za-z0-9_]*)\}?)/g, (whole, body: string, name: string | undefined) => {
    if (body === '$') return '$'
    const found = all.findLast(({ entry }) => entry.section === 'DEFAULT' && entry.name === name)
    return found?.entry.values.at(-1) ?? whole
  })
}
