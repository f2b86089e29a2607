import type { Logger } from '../../../platform/log/log.ts'

type Counts = Map<string, Set<string>>

/** What reconciling found and did, for the log and for `nephos status`: repairs since the start, doubts as they are now. */
export class Findings {
  readonly #log: Logger
  readonly #onNotice: (notice: string | null) => void
  readonly #repairs: Counts = new Map()
  readonly #doubts = new Map<string, Counts>()
  /** Told in the log already. */
  readonly #told = new Set<string>()

  constructor(log: Logger, onNotice: (notice: string | null) => void) {
    this.#log = log
    this.#onNotice = onNotice
  }

  /** A host is looked at anew. */
  begin(host: string): void {
    this.#doubts.set(host, new Map())
  }

  repaired(host: string, what: string, id: string): void {
    this.#log.warn({ host, id }, `reconciled: ${what}`)
    add(this.#repairs, what, id)
  }

  doubted(host: string, what: string, id: string): void {
    add(this.#doubts.get(host)!, what, id)
    const key = `${what} ${id}`
    if (this.#told.has(key)) return
    this.#told.add(key)
    this.#log.warn({ host, id }, `kept in doubt: ${what}`)
  }

  tell(): void {
    const doubts: Counts = new Map()
    for (const each of this.#doubts.values())
      for (const [what, ids] of each) for (const id of ids) add(doubts, what, id)
    const parts = [...sentence('reconciled', this.#repairs), ...sentence('kept in doubt', doubts)]
    this.#onNotice(parts.length === 0 ? null : parts.join('; '))
  }
}

function add(counts: Counts, what: string, id: string): void {
  const ids = counts.get(what) ?? new Set()
  counts.set(what, ids.add(id))
}

const sentence = (head: string, counts: Counts): string[] =>
  counts.size === 0 ? [] : [`${head}: ${[...counts].map(([what, ids]) => `${ids.size} ${what}`).join(', ')}`]
