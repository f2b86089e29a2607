/** What is to be said of an option in a file: nothing, that it does nothing and why, or that nobody knows it. */
import { keyOf, nameOf, nearest, partsOf, written } from './names.ts'
import type { OptionDeclaration } from './options.ts'
import { allKeys, isKnown, keysNamed, knownElsewhere, movedTo, type Program } from './upstream.ts'
import type { Located } from './values.ts'
import { whyWithoutEffect } from './without-effect.ts'

export type Declaration = OptionDeclaration<never> | OptionDeclaration

interface Verdict {
  text: string
  isProblem: boolean
}

/** Undefined: the option is one of the declared. */
export function judge(
  program: Program,
  { file, entry }: Located,
  declared: readonly Declaration[],
): Verdict | undefined {
  const { section, name } = entry
  const keys = new Set(declared.map((each) => keyOf(each.section, each.name)))
  if (keys.has(keyOf(section, name))) return undefined
  const place = `${file}:${entry.line}: [${section}] ${name}`
  const told = (text: string): Verdict => ({ text: `${place} ${text}`, isProblem: false })

  const target = movedTo(program, section, name)
  if (target !== undefined && keys.has(target)) return told(`is now ${written(target)}`)
  if (isKnown(program, section, name) || target !== undefined) {
    const why = whyWithoutEffect(section, name) ?? (target && whyWithoutEffect(...partsOf(target)))
    return told(`has no effect: ${why ?? 'nothing here reads it'}`)
  }
  const other = knownElsewhere(program, section, name)
  if (other !== undefined) return told(`has no effect: it is an option of ${other}, not of ${program}`)
  return { text: `${place} is no known option; ${remedyOf(program, section, name, keys)}`, isProblem: true }
}

function remedyOf(program: Program, section: string, name: string, declared: ReadonlySet<string>): string {
  const own = [...declared].find((key) => nameOf(key) === name)
  if (own !== undefined) return `it belongs in ${written(own).split(' ')[0]}`
  const [elsewhere] = keysNamed(program, name)
  if (elsewhere !== undefined) return `it belongs in ${written(elsewhere).split(' ')[0]}`
  const inSection = nearest(keyOf(section, name), [...declared, ...allKeys(program)])
  const near = inSection ?? [...declared].find((key) => nameOf(key) === nearest(name, [...declared].map(nameOf)))
  return near === undefined ? 'remove it or correct its name' : `is ${written(near)} meant?`
}
