const atMost = 10_000

/**
 * Ports that neutron called active before their server was known to have them: the word comes while a build still
 * waits for neutron's answer. Forgetting one costs a question to neutron later.
 */
export class PluggedPorts {
  readonly #ids = new Set<string>()

  add(id: string): void {
    if (this.#ids.size >= atMost) this.#ids.delete(this.#ids.values().next().value!)
    this.#ids.add(id)
  }

  /** Whether it was there; it no longer is. */
  take(id: string): boolean {
    return this.#ids.delete(id)
  }
}
