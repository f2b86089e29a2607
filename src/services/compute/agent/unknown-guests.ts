import { Journal } from '../../../host/journal.ts'
import type { Logger } from '../../../platform/log/log.ts'
import type { GuestVerdict } from '../rpc/conductor.ts'

interface Doubt {
  verdict: 'elsewhere' | 'unknown'
  since: number
}

const reasons = {
  unknown: 'no server of this database',
  elsewhere: 'its server is not on this host',
} as const

/** Named in a line of status; the command lists all. */
const most = 3

/** Guests that stay because nobody proves that their servers were deleted. Told once each, over restarts too. */
export class UnknownGuests {
  readonly #doubts: Journal<Doubt>
  readonly #log: Logger
  readonly #onNotice: (notice: string | null) => void
  #notice: string | null = null

  constructor(file: string, log: Logger, onNotice: (notice: string | null) => void = () => undefined) {
    this.#doubts = new Journal(file)
    this.#log = log
    this.#onNotice = onNotice
  }

  /** Takes in what a full look found: what is not among the verdicts is known again, or gone. */
  settle(verdicts: readonly { id: string; verdict: GuestVerdict }[], now: number): void {
    const found = new Map(verdicts.map(({ id, verdict }) => [id, verdict]))
    for (const [id] of this.#doubts.entries()) {
      if (isDoubt(found.get(id)) || found.get(id) === 'busy') continue
      this.#doubts.delete(id)
      this.#log.info({ server: id }, 'the guest is unknown no more')
    }
    for (const [id, verdict] of found) {
      if (!isDoubt(verdict)) continue
      const before = this.#doubts.get(id)
      if (before?.verdict === verdict) continue
      this.#doubts.set(id, { verdict, since: before?.since ?? now })
      this.#log.warn({ server: id }, `unknown guest: ${reasons[verdict]}; it and its disks are kept, see nephos guests`)
    }
    this.#tell()
  }

  /** Since when a guest is unknown; undefined for one that is not. */
  since(id: string): number | undefined {
    return this.#doubts.get(id)?.since
  }

  /** It was removed. */
  forget(id: string): void {
    this.#doubts.delete(id)
    this.#tell()
  }

  flush(): void {
    this.#doubts.flush()
  }

  #tell() {
    const all = [...this.#doubts.entries()].map(([id, { verdict }]) => `${id} (${reasons[verdict]})`)
    const rest = all.length > most ? ` and ${all.length - most} more` : ''
    const head = all.length === 1 ? 'unknown guest' : `${all.length} unknown guests`
    const notice = all.length === 0 ? null : `${head}, kept: ${all.slice(0, most).join(', ')}${rest}; see nephos guests`
    if (notice === this.#notice) return
    this.#notice = notice
    this.#onNotice(notice)
  }
}

const isDoubt = (verdict: GuestVerdict | undefined): verdict is Doubt['verdict'] =>
  verdict === 'unknown' || verdict === 'elsewhere'
