/**
 * How far a reader has followed a log whose ids are given at insert but become visible at commit, so that 6 may be seen
 * before 5. A gap is waited for until no transaction can still fill it (rolled back ones leave gaps for ever). Pure.
 */
export class Watermark {
  #low: number
  #gapSince: number | undefined
  readonly #above = new Set<number>()
  readonly #patience: number

  /** Everything up to `low` was seen; a gap is given up after `patience` milliseconds. */
  constructor(low: number, patience: number) {
    this.#low = low
    this.#patience = patience
  }

  /** Ask the log for ids above this. */
  get low(): number {
    return this.#low
  }

  /** Takes the ids that the log answered; returns those that are new. */
  advance(ids: readonly number[], now: number): number[] {
    const fresh = ids.filter((id) => id > this.#low && !this.#above.has(id))
    for (const id of fresh) this.#above.add(id)
    this.#rise(now)
    if (this.#above.size === 0) this.#gapSince = undefined
    else if (this.#gapSince === undefined) this.#gapSince = now
    else if (now - this.#gapSince > this.#patience) {
      this.#low = Math.min(...this.#above) - 1
      this.#rise(now)
    }
    return fresh
  }

  #rise(now: number) {
    while (this.#above.delete(this.#low + 1)) {
      this.#low++
      this.#gapSince = this.#above.size > 0 ? now : undefined
    }
  }
}
