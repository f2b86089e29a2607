/** Uploads and stagings under way, so that deleting an image ends them. */
export class Transfers {
  readonly #running = new Map<string, { abort: AbortController; ended: Promise<void> }>()

  begin(imageId: string): { signal: AbortSignal; end(): void } {
    const abort = new AbortController()
    let finish!: () => void
    const ended = new Promise<void>((resolve) => (finish = resolve))
    this.#running.set(imageId, { abort, ended })
    return {
      signal: abort.signal,
      end: () => {
        this.#running.delete(imageId)
        finish()
      },
    }
  }

  /** Makes the transfer stop at its next bytes. */
  cancel(imageId: string) {
    this.#running.get(imageId)?.abort.abort()
  }

  /** Makes all of them stop and waits until they have cleaned up. */
  async cancelAll(): Promise<void> {
    const all = [...this.#running.values()]
    for (const { abort } of all) abort.abort()
    await Promise.all(all.map(({ ended }) => ended))
  }

  isRunning(imageId: string): boolean {
    return this.#running.has(imageId)
  }
}
