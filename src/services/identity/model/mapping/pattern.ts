/** Regular expressions of `regex: true` conditions: written for Python's `re.search`, run by JavaScript. */
import { MappingError } from './types.ts'

const longestPattern = 1024
const longestValue = 1024
const known = new Map<string, RegExp>()

/**
 * Compiles a pattern. Throws MappingError on one that cannot be compiled, is too long or repeats a repetition
 * (`(a+)+`): such a pattern can take longer than a login may on a value that an identity provider's user chose.
 */
export function compilePattern(pattern: string): RegExp {
  let compiled = known.get(pattern)
  if (compiled) return compiled
  if (pattern.length > longestPattern) throw new MappingError(`the pattern is longer than ${longestPattern} characters`)
  if (repeatsRepetition(pattern)) throw new MappingError(`the pattern '${pattern}' repeats a repetition`)
  compiled = translate(pattern)
  if (known.size >= 1000) known.delete(known.keys().next().value!)
  known.set(pattern, compiled)
  return compiled
}

/** True when `value` has a place that the pattern fits; a value of more than 1024 characters fits nothing. */
export const isFound = (pattern: string, value: string): boolean =>
  value.length <= longestValue && compilePattern(pattern).test(value)

function translate(pattern: string): RegExp {
  const flags = /^\(\?([aimsux]+)\)/.exec(pattern)
  const body = (flags ? pattern.slice(flags[0].length) : pattern)
    .replaceAll('(?P<', '(?<')
    .replace(/\(\?P=(\w+)\)/g, '\\k<$1>')
    .replace(/(?<!\\)((?:\\\\)*)\\A/g, '$1^')
    .replace(/(?<!\\)((?:\\\\)*)\\Z/g, '$1$')
  const own = [...(flags?.[1] ?? '')].filter((flag) => flag === 'i' || flag === 'm' || flag === 's').join('')
  for (const mode of ['u', '']) {
    try {
      return new RegExp(body, own + mode)
    } catch {
      // Python allows escapes such as `\-` and `\@` that the unicode mode refuses.
    }
  }
  throw new MappingError(`'${pattern}' is no regular expression`)
}

/** True when something that repeats without an upper bound stands inside a group that does so, too. */
function repeatsRepetition(pattern: string): boolean {
  const open: { repeats: boolean }[] = [{ repeats: false }]
  let inClass = false
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at]
    if (character === '\\') at++
    else if (inClass) inClass = character !== ']'
    else if (character === '[') inClass = true
    else if (character === '(') open.push({ repeats: false })
    else if (character === ')' && open.length > 1) {
      const group = open.pop()!
      const outer = open.at(-1)!
      const isRepeated = /^(?:[*+]|\{\d*,\d*\})/.test(pattern.slice(at + 1, at + 12))
      if (group.repeats && isRepeated) return true
      if (group.repeats || isRepeated) outer.repeats = true
    } else if (character === '*' || character === '+' || /^\{\d*,\d*\}/.test(pattern.slice(at, at + 12))) {
      open.at(-1)!.repeats = true
    }
  }
  return false
}
