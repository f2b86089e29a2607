/**
 * Regular expressions of strangers, matched in time that grows with expression times text and never more: the states of
 * an automaton advance together, nothing is tried again. What would need more (backreferences, lookaround) is refused.
 * Letters match in either case unless told otherwise, as MariaDB's REGEXP does with OpenStack's collation.
 * Source: "Regular Expression Matching: the Virtual Machine Approach" (Russ Cox).
 */
import { parseRegex, type Node, type RegexOptions } from './regex-syntax.ts'

type Step =
  | { kind: 'char'; matches: (char: string) => boolean }
  | { kind: 'assert'; holds: (text: readonly string[], at: number) => boolean }
  | { kind: 'split'; to: readonly number[] }
  | { kind: 'match' }

/** Steps that one expression may have; counted repetitions are written out. */
const mostSteps = 256

export class LinearRegex {
  readonly #steps: Step[] = []

  /** Throws SyntaxError on what is no expression, or too large a one. */
  constructor(source: string, options?: RegexOptions) {
    this.#compile(parseRegex(source, options))
    this.#add({ kind: 'match' })
  }

  /** Whether the expression is found somewhere in the text. */
  test(text: string): boolean {
    const chars = [...text]
    // Where a step was last added: each is looked at once for each character.
    const addedAt = new Int32Array(this.#steps.length).fill(-1)
    let current: number[] = []
    for (let at = 0; at <= chars.length; at++) {
      if (this.#follow(current, addedAt, 0, chars, at)) return true
      const next: number[] = []
      for (const index of current) {
        const step = this.#steps[index]!
        if (at === chars.length || step.kind !== 'char' || !step.matches(chars[at]!)) continue
        if (this.#follow(next, addedAt, index + 1, chars, at + 1)) return true
      }
      current = next
    }
    return false
  }

  /** Adds a step and what follows from it without a character; true when that is the end of the expression. */
  #follow(into: number[], addedAt: Int32Array, first: number, chars: readonly string[], at: number): boolean {
    const open = [first]
    for (let index = open.pop(); index !== undefined; index = open.pop()) {
      if (addedAt[index] === at) continue
      addedAt[index] = at
      into.push(index)
      const step = this.#steps[index]!
      if (step.kind === 'match') return true
      if (step.kind === 'split') open.push(...step.to)
      if (step.kind === 'assert' && step.holds(chars, at)) open.push(index + 1)
    }
    return false
  }

  #add(step: Step): number {
    if (this.#steps.length >= mostSteps) throw new SyntaxError('the expression is too large')
    return this.#steps.push(step) - 1
  }

  #compile(node: Node): void {
    switch (node.kind) {
      case 'char':
      case 'assert':
        this.#add(node)
        break
      case 'sequence':
        for (const each of node.nodes) this.#compile(each)
        break
      case 'choice':
        this.#choice(node.nodes)
        break
      case 'repeat':
        this.#repeat(node.node, node.min, node.max)
    }
  }

  #choice(nodes: readonly Node[]): void {
    const to: number[] = []
    const ends: number[][] = []
    this.#add({ kind: 'split', to })
    for (const node of nodes) {
      to.push(this.#steps.length)
      this.#compile(node)
      const end: number[] = []
      ends.push(end)
      this.#add({ kind: 'split', to: end })
    }
    for (const end of ends) end.push(this.#steps.length)
  }

  #repeat(node: Node, min: number, max: number): void {
    for (let count = 0; count < min; count++) this.#compile(node)
    if (max === Infinity) {
      const to: number[] = []
      const start = this.#add({ kind: 'split', to })
      to.push(start + 1)
      this.#compile(node)
      this.#add({ kind: 'split', to: [start] })
      to.push(this.#steps.length)
      return
    }
    const skips: number[][] = []
    for (let count = min; count < max; count++) {
      const to = [this.#steps.length + 1]
      skips.push(to)
      this.#add({ kind: 'split', to })
      this.#compile(node)
    }
    for (const to of skips) to.push(this.#steps.length)
  }
}
