/**
 * Patterns of paths that users write. They are no regular expressions, whose search can take for ever: all places of the
 * pattern that the text may have come to are bits of a few words, which every character moves at once.
 */
export interface PathPattern {
  matches(path: string): boolean
}

/** One character, one character of a part, or any number of either. */
type Step = { one: string } | 'partOne' | 'partMany' | 'anyMany'

/** A set of places: bit `n` of the words is place `n`. */
type Places = Uint32Array

/** `*` and `{name}` stand for one part, `**` for any number of parts. */
export function compilePattern(text: string): PathPattern {
  const steps = stepsOf(text)
  const words = Math.floor(steps.length / 32) + 1
  const setOf = (belongs: (step: Step) => boolean): Places => {
    const places = new Uint32Array(words)
    for (const [at, step] of steps.entries()) if (belongs(step)) places[at >>> 5]! |= 1 << (at & 31)
    return places
  }
  const isOne = (character: string) => (step: Step) => typeof step === 'object' && step.one === character
  const literals = new Set(steps.flatMap((step) => (typeof step === 'object' ? [step.one] : [])))
  // Where a character leads one step on, by character.
  const moves = new Map(
    [...literals].map((character) => [
      character,
      setOf((step) => isOne(character)(step) || (character !== '/' && step === 'partOne')),
    ]),
  )
  const movesOther = setOf((step) => step === 'partOne')
  const nowhere = new Uint32Array(words)
  const skippable = setOf((step) => step === 'anyMany' || step === 'partMany')
  const staysAtSlash = setOf((step) => step === 'anyMany')

  /** Replaces `places` by where `character` leads to; false when that is nowhere. */
  const advance = (places: Places, character: string): boolean => {
    const isSlash = character === '/'
    const move = moves.get(character) ?? (isSlash ? nowhere : movesOther)
    const stay = isSlash ? staysAtSlash : skippable
    let moved = 0
    let skipped = 0
    let all = 0
    for (let word = 0; word < words; word++) {
      const from = places[word]!
      const leaving = from & move[word]!
      const reached = (leaving << 1) | moved | (from & stay[word]!)
      const skipping = reached & skippable[word]!
      places[word] = reached | (skipping << 1) | skipped
      moved = leaving >>> 31
      skipped = skipping >>> 31
      all |= places[word]!
    }
    return all !== 0
  }

  return {
    matches(path) {
      const places = new Uint32Array(words)
      places[0] = 1 | ((skippable[0]! & 1) << 1)
      // No character of a pattern is more than one code unit, and neither is one of a path.
      for (let at = 0; at < path.length; at++) if (!advance(places, path[at]!)) return false
      return (places[steps.length >>> 5]! >>> (steps.length & 31)) % 2 === 1
    },
  }
}

function stepsOf(text: string): Step[] {
  const words = text.split(/(\*\*|\*|\{[^}]+\})/)
  const steps = words.flatMap((word): Step[] => {
    if (word === '**') return ['anyMany']
    if (word === '*' || /^\{.*\}$/.test(word)) return ['partOne', 'partMany']
    return word.split('').map((one) => ({ one }))
  })
  // Of two that may be skipped in a row the wider says it all, and `advance` skips one at a time.
  const isMany = (step: Step | undefined) => step === 'anyMany' || step === 'partMany'
  const narrow = steps.filter((step, at) => !(step === 'partMany' && steps[at + 1] === 'anyMany'))
  return narrow.filter((step, at) => !(isMany(step) && narrow[at - 1] === 'anyMany'))
}
