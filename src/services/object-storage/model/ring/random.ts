/**
 * Python's `random.Random`: the Mersenne Twister with Python's seeding and its ways to draw. Rings are made with it, so that
 * the same builder and seed give the same ring in both programs.
 */
import { createHash, randomBytes } from 'node:crypto'

const size = 624
const middle = 397

export class Random {
  readonly #state = new Uint32Array(size)
  #at = size

  /** Without a seed nobody can tell what comes. */
  constructor(seed?: string | number) {
    this.#seedWith(wordsOf(seed))
  }

  #seed(value: number) {
    const state = this.#state
    state[0] = value
    for (let i = 1; i < size; i++) {
      const before = state[i - 1]! ^ (state[i - 1]! >>> 30)
      state[i] = Math.imul(before, 1812433253) + i
    }
  }

  #seedWith(key: readonly number[]) {
    const state = this.#state
    this.#seed(19650218)
    let i = 1
    let j = 0
    const carry = () => {
      if (++i < size) return
      state[0] = state[size - 1]!
      i = 1
    }
    const mix = (factor: number) => (state[i]! ^ Math.imul(state[i - 1]! ^ (state[i - 1]! >>> 30), factor)) >>> 0
    for (let k = Math.max(size, key.length); k > 0; k--) {
      state[i] = mix(1664525) + key[j]! + j
      carry()
      j = (j + 1) % key.length
    }
    for (let k = size - 1; k > 0; k--) {
      state[i] = mix(1566083941) - i
      carry()
    }
    state[0] = 0x80000000
    this.#at = size
  }

  #refill() {
    const state = this.#state
    for (let i = 0; i < size; i++) {
      const y = (state[i]! & 0x80000000) | (state[(i + 1) % size]! & 0x7fffffff)
      state[i] = state[(i + middle) % size]! ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0)
    }
    this.#at = 0
  }

  /** 32 random bits. */
  next(): number {
    if (this.#at >= size) this.#refill()
    let y = this.#state[this.#at++]!
    y ^= y >>> 11
    y ^= (y << 7) & 0x9d2c5680
    y ^= (y << 15) & 0xefc60000
    y ^= y >>> 18
    return y >>> 0
  }

  /** A number from 0 to `end` - 1; `end` is at most 2^32. */
  below(end: number): number {
    const bits = end.toString(2).length
    const draw = () => (bits > 32 ? this.next() + (this.next() >>> (64 - bits)) * 2 ** 32 : this.next() >>> (32 - bits))
    let drawn = draw()
    while (drawn >= end) drawn = draw()
    return drawn
  }

  /** A number from `first` to `last`, both included. */
  between(first: number, last: number): number {
    return first + this.below(last - first + 1)
  }

  /** Shuffles in place. */
  shuffle(items: unknown[]): void {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.below(i + 1)
      ;[items[i], items[j]] = [items[j], items[i]]
    }
  }
}

/** The key that a seed is: the number itself, or that which text and its hash are when they are read as one. */
function wordsOf(seed: string | number | undefined): number[] {
  if (seed === undefined) return Array.from({ length: size }, () => randomBytes(4).readUInt32LE())
  const text = typeof seed === 'string' ? Buffer.from(seed) : undefined
  let number = text
    ? BigInt(`0x${Buffer.concat([text, createHash('sha512').update(text).digest()]).toString('hex')}`)
    : BigInt(Math.abs(Number(seed)))
  const words: number[] = []
  for (; number > 0n; number >>= 32n) words.push(Number(number & 0xffffffffn))
  return words.length > 0 ? words : [0]
}
