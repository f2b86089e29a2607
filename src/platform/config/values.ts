/** From the text of an option to its value. */
import type { IniEntry } from './ini.ts'
import { keyOf } from './names.ts'
import type { OptionDeclaration } from './options.ts'

/** An entry with its file. */
export interface Located {
  file: string
  entry: IniEntry
}

/** The value of what is written, or what is wrong with it. */
export function convert(
  { file, entry }: Located,
  declaration: OptionDeclaration<never> | OptionDeclaration,
  all: readonly Located[],
  remark: (text: string) => void,
): { value: unknown; problem?: string } {
  const texts = entry.values.map((value) => substitute(value, all))
  const shown = declaration.type === 'secret' ? '***' : texts.at(-1)!
  const place = `${file}:${entry.line}: [${entry.section}] ${entry.name} = ${shown}`
  const fail = (why: string) => ({ value: declaration.default, problem: `${place}: ${why}` })
  const former = declaration.formerly?.[texts.at(-1)!]
  if (former !== undefined) remark(`${place} is of older releases: ${former} is taken`)
  const text = former ?? texts.at(-1)!

  if (declaration.choices && !declaration.choices.includes(text))
    return fail(`must be one of ${declaration.choices.join(', ')}`)
  switch (declaration.type) {
    case 'integer':
    case 'float': {
      // As oslo.config takes it: an empty number is none.
      if (text.trim() === '') return { value: declaration.default }
      const why = whyNoNumber(Number(text), declaration)
      return why === undefined ? { value: Number(text) } : fail(why)
    }
    case 'boolean':
      if (/^(true|1|on|yes)$/i.test(text)) return { value: true }
      return /^(false|0|off|no)$/i.test(text) ? { value: false } : fail('must be true or false')
    case 'list': {
      // Some lists of glance are written in brackets, with quotes.
      const items = text
        .replace(/^\[(.*)\]$/s, '$1')
        .split(',')
        .map((each) => each.trim().replace(/^(['"])(.*)\1$/, '$2'))
      return { value: items.filter((each) => each !== '') }
    }
    case 'multi':
      return { value: texts }
    default:
      return { value: text }
  }
}

function whyNoNumber(number: number, { type, min, max }: OptionDeclaration<never> | OptionDeclaration) {
  if (!Number.isFinite(number)) return 'must be a number'
  if (type === 'integer' && !Number.isInteger(number)) return 'must be a whole number'
  if (min !== undefined && number < min) return `must be at least ${min}`
  return max !== undefined && number > max ? `must be at most ${max}` : undefined
}

/**
 * `$my_ip` and `${my_ip}` stand for the option of that name in [DEFAULT], `${section.name}` for one of another section;
 * `$$` is a dollar.
 */
function substitute(value: string, all: readonly Located[]): string {
  const pattern = /\$(\$|\{([\w.-]+)\}|([A-Za-z_]\w*))/g
  return value.replace(pattern, (whole, body: string, braced: string | undefined, bare: string | undefined) => {
    if (body === '$') return '$'
    const name = braced ?? bare ?? ''
    const dot = name.lastIndexOf('.')
    const key = dot < 0 ? keyOf('DEFAULT', name) : keyOf(name.slice(0, dot), name.slice(dot + 1))
    const found = all.findLast(({ entry }) => keyOf(entry.section, entry.name) === key)
    return found?.entry.values.at(-1) ?? whole
  })
}
