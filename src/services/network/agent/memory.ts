/**
 * Which things were made and look as they shall: they are left alone until their description changes or everything is
 * looked at again.
 */
export class Memory {
  readonly #done = new Map<string, string>()

  /** Runs `work` unless it succeeded for the same description before. */
  async once(key: string, description: unknown, work: () => Promise<boolean>): Promise<void> {
    const text = JSON.stringify(description)
    if (this.#done.get(key) === text) return
    this.#done.delete(key)
    if (await work()) this.#done.set(key, text)
  }

  forget(key: string): void {
    this.#done.delete(key)
  }

  forgetAll(): void {
    this.#done.clear()
  }
}
