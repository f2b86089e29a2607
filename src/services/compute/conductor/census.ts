import type { GuestVerdict } from '../rpc/conductor.ts'

/** A guest that stays because nothing proves that its server was deleted. */
export interface UnknownGuest {
  host: string
  id: string
  verdict: 'elsewhere' | 'unknown'
}

interface Count {
  /** By the steady clock. */
  at: number
  guests: ReadonlySet<string>
  unknown: UnknownGuest[]
}

/** What each host was last found to have. A control process that begins knows nothing until the host's next full look. */
export class Census {
  readonly #counts = new Map<string, Count>()

  take(host: string, guests: readonly string[], verdicts: ReadonlyMap<string, GuestVerdict>): void {
    const unknown = [...verdicts].flatMap(([id, verdict]) =>
      verdict === 'elsewhere' || verdict === 'unknown' ? [{ host, id, verdict }] : [],
    )
    this.#counts.set(host, { at: performance.now(), guests: new Set(guests), unknown })
  }

  /** Every guest of a host, if it was looked at in the last `ms`. */
  guestsOf(host: string, ms: number): ReadonlySet<string> | undefined {
    const count = this.#counts.get(host)
    return count && performance.now() - count.at <= ms ? count.guests : undefined
  }

  hosts(): string[] {
    return [...this.#counts.keys()]
  }

  listUnknown(): UnknownGuest[] {
    return [...this.#counts.values()].flatMap(({ unknown }) => unknown)
  }
}
