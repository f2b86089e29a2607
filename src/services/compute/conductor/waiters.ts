/** Tells the other processes. */
interface Announce {
  wake(serverId: string): void
  settle(requestId: string, error: Error | null): void
}

/**
 * Waiting for what the database will say: a waiter looks again when somebody wakes its server, in this process or in
 * another, and now and then by itself, so that a word that was lost costs seconds and nothing else.
 */
export class Waiters {
  readonly #announce: Announce
  readonly #waiting = new Map<string, Set<() => void>>()
  readonly #outcomes = new Map<string, (error: Error | null) => void>()

  constructor(announce: Announce = { wake: () => undefined, settle: () => undefined }) {
    this.#announce = announce
  }

  /** How the work of a request ends, in whatever process, for the caller who started it; give it up by its timeout. */
  expect(requestId: string, timeoutMs: number): Promise<Error | null> {
    return new Promise((resolve) => {
      const end = (error: Error | null) => {
        clearTimeout(timer)
        this.#outcomes.delete(requestId)
        resolve(error)
      }
      const timer = setTimeout(() => end(new Error('it takes too long')), timeoutMs).unref()
      this.#outcomes.set(requestId, end)
    })
  }

  settle(requestId: string | null, error: Error | null): void {
    if (requestId === null) return
    if (this.#outcomes.has(requestId)) this.settleHere(requestId, error)
    else this.#announce.settle(requestId, error)
  }

  /** Another process said so. */
  settleHere(requestId: string, error: Error | null): void {
    this.#outcomes.get(requestId)?.(error)
  }

  /** Something about this server changed. */
  wake(serverId: string): void {
    this.wakeHere(serverId)
    this.#announce.wake(serverId)
  }

  /** Another process said so. */
  wakeHere(serverId: string): void {
    for (const wake of this.#waiting.get(serverId) ?? []) wake()
  }

  /** Asks `look` until it gives a value; undefined after `timeoutMs`. Rejects when the signal aborts. */
  async until<T>(
    serverId: string,
    look: () => Promise<T | undefined>,
    options: { timeoutMs: number; everyMs?: number; signal?: AbortSignal },
  ): Promise<T | undefined> {
    const deadline = performance.now() + options.timeoutMs
    for (;;) {
      options.signal?.throwIfAborted()
      let isWoken = false
      let wake = (): void => {
        isWoken = true
      }
      const set = this.#waiting.get(serverId) ?? new Set()
      this.#waiting.set(serverId, set)
      const mine = () => wake()
      set.add(mine)
      try {
        const value = await look()
        if (value !== undefined) return value
        const left = deadline - performance.now()
        if (left <= 0) return undefined
        if (!isWoken && !options.signal?.aborted) {
          await new Promise<void>((resolve) => {
            const timer = setTimeout(resolve, Math.min(left, options.everyMs ?? 2000))
            const end = () => (clearTimeout(timer), resolve())
            wake = end
            options.signal?.addEventListener('abort', end, { once: true })
          })
        }
      } finally {
        set.delete(mine)
        if (set.size === 0) this.#waiting.delete(serverId)
      }
    }
  }
}
