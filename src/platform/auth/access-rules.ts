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
  rules.some((rule) => rule.service === service && rule.method === method && matches(stepsOf(rule.path), path))

/** One character, one character of a part, or any number of either. */
type Step = { one: string } | 'partOne' | 'partMany' | 'anyMany'

/**
 * Users write these patterns, so they are no regular expressions, whose search can take for ever: every character of
 * the path is looked at once for each step of the pattern.
 */
function matches(steps: readonly Step[], path: string): boolean {
  let now = new Uint8Array(steps.length + 1)
  let next = new Uint8Array(steps.length + 1)
  enter(now, steps, 0)
  for (const character of path) {
    next.fill(0)
    for (let at = 0; at < steps.length; at++) {
      if (now[at] === 0) continue
      const step = steps[at]!
      const isInPart = character !== '/'
      if (step === 'anyMany' || (step === 'partMany' && isInPart)) enter(next, steps, at)
      else if (step === 'partOne' ? isInPart : typeof step === 'object' && step.one === character)
        enter(next, steps, at + 1)
    }
    ;[now, next] = [next, now]
  }
  return now[steps.length] === 1
}

/** Marks a place as reached, and those behind it that need no character. */
function enter(places: Uint8Array, steps: readonly Step[], at: number): void {
  for (; places[at] === 0; at++) {
    places[at] = 1
    if (steps[at] !== 'anyMany' && steps[at] !== 'partMany') return
  }
}

function stepsOf(path: string): Step[] {
  const words = path.split(/(\*\*|\*|\{[^}]+\})/)
  return words.flatMap((word): Step[] => {
    if (word === '**') return ['anyMany']
    if (word === '*' || /^\{.*\}$/.test(word)) return ['partOne', 'partMany']
    return [...word].map((one) => ({ one }))
  })
}
