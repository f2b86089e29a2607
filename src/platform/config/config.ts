import { existsSync, readFileSync } from 'node:fs'
import { parseIni, type IniEntry } from './ini.ts'
import type { OptionDeclaration, Values } from './options.ts'

/** A configuration that cannot be used; the message names file, section, option and the remedy. */
export class ConfigError extends Error {}

/**
 * Reads the options of a service from its files (a later file wins), with `$name` substitution and `overrides` by
 * declaration key on top. Sections that another service's library declares are passed in `foreign`.
 */
export function loadConfig<D extends Record<string, OptionDeclaration<never> | OptionDeclaration>>(
  declarations: D,
  files: readonly string[],
  overrides: Partial<Values<D>> = {},
): Values<D> {
  const entries = files.filter((file) => existsSync(file)).flatMap((file) => readEntries(file, declarations))
  const values: Record<string, unknown> = {}
  for (const [key, declaration] of Object.entries(declarations)) {
    const found = entries.findLast(
      ({ entry }) => entry.section === declaration.section && entry.name === declaration.name,
    )
    values[key] = found ? convert(found.entry, declaration, found.file, entries) : declaration.default
  }
  return { ...values, ...overrides } as Values<D>
}

interface Located {
  file: string
  entry: IniEntry
}

function readEntries(
  file: string,
  declarations: Record<string, OptionDeclaration<never> | OptionDeclaration>,
): Located[] {
  const known = Object.values(declarations)
  return parseIni(readFileSync(file, 'utf8'), file).map((entry) => {
    const sections = known.filter((declaration) => declaration.section === entry.section)
    if (!sections.some((declaration) => declaration.name === entry.name)) {
      const near = known.find((declaration) => declaration.name === entry.name)
      const remedy = near ? `; it belongs in [${near.section}]` : '; remove it or correct its name'
      throw new ConfigError(`${file}:${entry.line}: [${entry.section}] ${entry.name} is no known option${remedy}`)
    }
    return { file, entry }
  })
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
