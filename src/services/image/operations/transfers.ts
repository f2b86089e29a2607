/** Uploads and stagings under way in this process, so that deleting an image ends them at their next bytes. */
export class Transfers {
  readonly #running = new Map<string, Set<{ abort: AbortController; ended: Promise<void> }>>()

  begin(imageId: string): { signal: AbortSignal; end(): void } {
    const abort = new AbortController()
    const { promise: ended, resolve: finish } = Promise.withResolvers<void>()
    const mine = { abort, ended }
    const all = this.#running.get(imageId) ?? new Set()
    this.#running.set(imageId, all.add(mine))
    return {
      signal: abort.signal,
      end: () => {
        all.delete(mine)
        if (all.size === 0 && this.#running.get(imageId) === all) this.#running.delete(imageId)
        finish()
      },
    }
  }

  /** Makes the transfers of an image stop at their next bytes. Those in other processes find out at their end. */
  cancel(imageId: string) {
    for (const { abort } of this.#running.get(imageId) ?? []) abort.abort()
  }

  /** Makes all of them stop and waits until they have cleaned up. */
  async cancelAll(): Promise<void> {
    const all = [...this.#running.values()].flatMap((each) => [...each])
    for (const { abort } of all) abort.abort()
    await Promise.all(all.map(({ ended }) => ended))
  }

  isRunning(imageId: string): boolean {
    return this.#running.has(imageId)
  }
}
