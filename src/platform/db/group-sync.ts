/**
 * Brings what was written on the disk for many at once: who waits is served by the first sync that begins after he came,
 * so that the writes of all requests under way cost one.
 */
export class GroupSync {
  readonly #sync: () => Promise<void>
  #running: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined

  constructor(sync: () => Promise<void>) {
    this.#sync = sync
  }

  /** Resolves when all that was written before the call is on the disk; rejects when that is not certain. */
  wait(): Promise<void> {
    this.#next ??= this.#afterThisOne()
    return this.#next
  }

  async #afterThisOne(): Promise<void> {
    await this.#running.catch(() => undefined)
    // Who comes from here on has written something that this sync may miss.
    this.#next = undefined
    this.#running = this.#sync()
    await this.#running
  }
}
