/**
 * Access rules of application credentials: which requests a token may be used for. In the paths `*` stands for one
 * part, `**` for any number of parts and `{name}` for one part, as keystonemiddleware reads them.
 */
import { compilePattern, type PathPattern } from './path-pattern.ts'

export interface AccessRule {
  /** Service type, e.g. `compute`. */
  readonly service: string
  readonly method: string
  readonly path: string
}

/** True when a rule allows the request. `path` is without the query. */
export const allows = (rules: readonly AccessRule[], service: string, method: string, path: string): boolean =>
  rules.some((rule) => rule.service === service && rule.method === method && patternOf(rule.path).matches(path))

const mostKept = 500
const compiled = new Map<string, PathPattern>()

/** Each text is compiled once, as long as not too many others were asked for since. */
function patternOf(path: string): PathPattern {
  const pattern = compiled.get(path) ?? compilePattern(path)
  compiled.delete(path)
  compiled.set(path, pattern)
  if (compiled.size > mostKept) compiled.delete(compiled.keys().next().value!)
  return pattern
}
