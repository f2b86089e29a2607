/** The syntax of regular expressions as Python reads it, as far as an automaton can follow it. */

export type Node =
  | { kind: 'char'; matches: (char: string) => boolean }
  | { kind: 'assert'; holds: (text: readonly string[], at: number) => boolean }
  | { kind: 'sequence'; nodes: Node[] }
  | { kind: 'choice'; nodes: Node[] }
  | { kind: 'repeat'; node: Node; min: number; max: number }

type Test = (char: string) => boolean

const mostNested = 50
const mostRepeats = 1000

const isWord: Test = (char) => /[\p{L}\p{N}_]/u.test(char)
const isSpace: Test = (char) => /\s/.test(char)
const isDigit: Test = (char) => /\p{Nd}/u.test(char)
const not =
  (test: Test): Test =>
  (char) =>
    !test(char)
const classes: Readonly<Record<string, Test>> = {
  d: isDigit,
  D: not(isDigit),
  w: isWord,
  W: not(isWord),
  s: isSpace,
  S: not(isSpace),
}
const controls: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', f: '\f', v: '\v', a: '\u0007' }

const isBoundary = (text: readonly string[], at: number) =>
  (at > 0 && isWord(text[at - 1]!)) !== (at < text.length && isWord(text[at]!))
const assertions: Readonly<Record<string, (text: readonly string[], at: number) => boolean>> = {
  b: isBoundary,
  B: (text, at) => !isBoundary(text, at),
  A: (_text, at) => at === 0,
  Z: (text, at) => at === text.length,
}

export interface RegexOptions {
  /** Otherwise letters match in either case. */
  readonly isCaseSensitive?: boolean
}

/** Reads an expression. Throws SyntaxError on what is none, or none that an automaton can follow. */
export function parseRegex(source: string, { isCaseSensitive = false }: RegexOptions = {}): Node {
  const parser = new Parser(source, isCaseSensitive)
  const node = parser.choice(0)
  if (!parser.isAtEnd) throw new SyntaxError('unbalanced parenthesis')
  return node
}

class Parser {
  readonly #chars: readonly string[]
  readonly #isCaseSensitive: boolean
  #at = 0

  constructor(source: string, isCaseSensitive: boolean) {
    this.#chars = [...source]
    this.#isCaseSensitive = isCaseSensitive
  }

  #among(low: string, high: string): Test {
    const isWithin: Test = (char) => low <= char && char <= high
    if (this.#isCaseSensitive) return isWithin
    return (char) => isWithin(char) || isWithin(char.toLowerCase()) || isWithin(char.toUpperCase())
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#chars.length
  }

  choice(depth: number): Node {
    if (depth > mostNested) throw new SyntaxError('too deep')
    const nodes = [this.#sequence(depth)]
    while (this.#take('|')) nodes.push(this.#sequence(depth))
    return nodes.length === 1 ? nodes[0]! : { kind: 'choice', nodes }
  }

  #sequence(depth: number): Node {
    const nodes: Node[] = []
    while (!this.isAtEnd && this.#peek !== '|' && this.#peek !== ')') nodes.push(this.#repeated(depth))
    return { kind: 'sequence', nodes }
  }

  #repeated(depth: number): Node {
    const node = this.#atom(depth)
    const range = this.#quantifier()
    if (!range) return node
    if (node.kind === 'assert') throw new SyntaxError('nothing to repeat')
    // Greedy or lazy is the same to who only asks whether.
    void (this.#take('?') || this.#take('+'))
    if (this.#quantifier()) throw new SyntaxError('multiple repeat')
    return { kind: 'repeat', node, ...range }
  }

  #quantifier(): { min: number; max: number } | undefined {
    if (this.#take('*')) return { min: 0, max: Infinity }
    if (this.#take('+')) return { min: 1, max: Infinity }
    if (this.#take('?')) return { min: 0, max: 1 }
    const rest = this.#chars.slice(this.#at, this.#at + 12).join('')
    const counted = /^\{(\d{0,4})(,?)(\d{0,4})\}/.exec(rest)
    if (!counted || (counted[1] === '' && counted[2] === '')) return undefined
    this.#at += counted[0].length
    const min = Number(counted[1])
    const max = counted[2] === '' ? min : counted[3] === '' ? Infinity : Number(counted[3])
    if (min > max || min > mostRepeats || (max !== Infinity && max > mostRepeats))
      throw new SyntaxError('bad repetition')
    return { min, max }
  }

  #atom(depth: number): Node {
    const char = this.#next()
    if (char === '(') return this.#group(depth)
    if (char === '[') return { kind: 'char', matches: this.#set() }
    if (char === '.') return { kind: 'char', matches: (each) => each !== '\n' }
    if (char === '^') return { kind: 'assert', holds: (_text, at) => at === 0 }
    if (char === '$') return { kind: 'assert', holds: (text, at) => at === text.length }
    if (char === '*' || char === '+' || char === '?') throw new SyntaxError('nothing to repeat')
    if (char !== '\\') return { kind: 'char', matches: this.#among(char, char) }
    const name = this.#next()
    if (Object.hasOwn(assertions, name)) return { kind: 'assert', holds: assertions[name]! }
    if (/[1-9]/.test(name)) throw new SyntaxError('backreferences are not supported')
    return { kind: 'char', matches: this.#escaped(name).test }
  }

  #group(depth: number): Node {
    if (this.#take('?')) {
      const kind = this.#next()
      if (kind === 'P') {
        if (!this.#take('<')) throw new SyntaxError('named references are not supported')
        while (this.#next() !== '>');
      } else if (kind !== ':') throw new SyntaxError('lookaround and flags are not supported')
    }
    const node = this.choice(depth + 1)
    if (!this.#take(')')) throw new SyntaxError('missing ), unterminated subpattern')
    return node
  }

  #set(): Test {
    const isNegated = this.#take('^')
    const tests: Test[] = []
    for (let isFirst = true; isFirst || this.#peek !== ']'; isFirst = false) {
      const low = this.#member()
      if (this.#peek === '-' && this.#chars[this.#at + 1] !== ']' && this.#chars[this.#at + 1] !== undefined) {
        this.#at++
        const high = this.#member()
        if (low.char === undefined || high.char === undefined || low.char > high.char)
          throw new SyntaxError('bad character range')
        tests.push(this.#among(low.char, high.char))
      } else tests.push(low.test)
    }
    this.#at++
    return (char) => tests.some((test) => test(char)) !== isNegated
  }

  #member(): { char?: string; test: Test } {
    const char = this.#next()
    return char === '\\' ? this.#escaped(this.#next()) : { char, test: this.#among(char, char) }
  }

  #escaped(name: string): { char?: string; test: Test } {
    if (Object.hasOwn(classes, name)) return { test: classes[name]! }
    const char = Object.hasOwn(controls, name) ? controls[name]! : name
    if (char === name && /[a-zA-Z]/.test(name)) throw new SyntaxError(`bad escape \\${name}`)
    return { char, test: this.#among(char, char) }
  }

  get #peek(): string | undefined {
    return this.#chars[this.#at]
  }

  #take(char: string): boolean {
    if (this.#peek !== char) return false
    this.#at++
    return true
  }

  #next(): string {
    const char = this.#chars[this.#at++]
    if (char === undefined) throw new SyntaxError('unexpected end of pattern')
    return char
  }
}
