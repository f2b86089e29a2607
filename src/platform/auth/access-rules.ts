/**
 * Access rules of application credentials: which requests a token may be used for. In the paths `*` stands for one
 * part, `**` for any number of parts and `{name}` for one part, as keystonemiddleware reads them.
 */
export interface AccessRule {
  /** Service type, e.g. `compute`. */
  readonly service: string
  readonly method: string
  readonly path: string
}

/** True when a rule allows the request. `path` is without the query. */
export const allows = (rules: readonly AccessRule[], service: string, method: string, path: string): boolean =>
  rules.some((rule) => rule.service === service && rule.method === method && patternOf(rule.path).test(path))

const compiled = new Map<string, RegExp>()
const mostCompiled = 1000

function patternOf(path: string): RegExp {
  let pattern = compiled.get(path)
  if (pattern) return pattern
  const text = path
    .split(/(\*\*|\*|\{[^}]+\})/)
    .map((part) => (part === '**' ? '.*' : /^(\*|\{.*\})$/.test(part) ? '[^/]+' : part.replaceAll(/[^\w/-]/g, '\\$&')))
    .join('')
  pattern = new RegExp(`^${text}$`)
  if (compiled.size >= mostCompiled) compiled.clear()
  compiled.set(path, pattern)
  return pattern
}
