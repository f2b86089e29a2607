import { printList } from './python-list.ts'
import { MappingError } from './types.ts'

/** The values of the conditions, by their number. */
export type DirectMaps = readonly (readonly string[])[]

/**
 * Puts the values where a rule's text says `{0}`, `{1}`, … (or `{}`, counted). One value stands for itself, several
 * are printed as a list. Throws MappingError on a number that no condition has, and on anything else in braces.
 */
export function fill(text: string, direct: DirectMaps): string {
  let counted = 0
  return text.replace(/\{\{|\}\}|\{([^{}]*)\}|[{}]/g, (whole, inside: string | undefined) => {
    if (whole === '{{') return '{'
    if (whole === '}}') return '}'
    if (inside === undefined || !/^\d{0,3}$/.test(inside)) throw new MappingError(`'${text}' has a brace out of place`)
    const index = inside === '' ? counted++ : Number(inside)
    const values = direct[index]
    if (!values) {
      throw new MappingError(
        `local section in mapping refers to a remote match that doesn't exist (e.g. {${index}} in a local section)`,
      )
    }
    return values.length === 1 ? values[0]! : printList(values)
  })
}

/** Fills every text of a rule, at any depth. */
export function fillAll<T>(rule: T, direct: DirectMaps): T {
  if (typeof rule === 'string') return fill(rule, direct) as T
  if (Array.isArray(rule)) return rule.map((each: unknown) => fillAll(each, direct)) as T
  if (typeof rule !== 'object' || rule === null) return rule
  return Object.fromEntries(Object.entries(rule).map(([key, each]) => [key, fillAll(each as unknown, direct)])) as T
}
