import { createHash, timingSafeEqual } from 'node:crypto'
import { inspect } from 'node:util'

/**
 * A text that must not be seen: tokens, passwords, keys. It prints as `***` everywhere (logs, JSON, errors); only
 * `reveal()` gives the text. Compare with `equals`, which takes the same time wherever the texts differ.
 */
export class Secret {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  reveal(): string {
    return this.#text
  }

  equals(other: Secret | string): boolean {
    return constantTimeEqual(this.#text, typeof other === 'string' ? other : other.reveal())
  }

  toString(): string {
    return '***'
  }

  toJSON(): string {
    return '***'
  }

  [inspect.custom](): string {
    return '***'
  }
}

/** Compares two texts without telling by time where they differ, or whether their lengths do. */
export function constantTimeEqual(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
