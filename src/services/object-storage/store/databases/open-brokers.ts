/** The databases that are open, the last used of them. */
import type { AccountBroker } from './account.ts'
import type { ContainerBroker } from './container.ts'

/** Each holds a file and some memory. */
const most = 100

type Any = AccountBroker | ContainerBroker

export class OpenBrokers {
  readonly #open = new Map<string, Any>()
  /** Containers that have other numbers than their accounts know. */
  readonly changed = new Set<ContainerBroker>()

  /** The database of a file, from `make` where it is not open. */
  get<B extends Any>(file: string, make: (file: string) => B): B {
    const known = this.#open.get(file) as B | undefined
    const broker = known ?? make(file)
    this.#open.delete(file)
    // Only what is there is kept: a file may come by another process.
    if (known || broker.exists) this.#open.set(file, broker)
    if (this.#open.size > most) {
      const [oldest] = this.#open.values()
      this.#drop(oldest!)
    }
    return broker
  }

  #drop(broker: Any) {
    broker.close()
    this.#open.delete(broker.file)
  }

  close(): void {
    for (const broker of this.#open.values()) broker.close()
    this.#open.clear()
  }
}
