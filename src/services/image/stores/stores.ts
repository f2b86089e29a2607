import type { ImageStore } from './store.ts'

/** The stores of this glance by id. */
export class Stores {
  readonly #byId: Map<string, ImageStore>
  readonly defaultId: string

  constructor(stores: readonly ImageStore[], defaultId: string) {
    this.#byId = new Map(stores.map((store) => [store.id, store]))
    this.defaultId = defaultId
    if (!this.#byId.has(defaultId)) throw new Error(`[glance_store] default_backend: there is no store '${defaultId}'`)
  }

  get(id: string): ImageStore | undefined {
    return this.#byId.get(id)
  }

  all(): ImageStore[] {
    return [...this.#byId.values()]
  }

  /** Those that take data. */
  writable(): ImageStore[] {
    return this.all().filter((store) => !store.isReadOnly)
  }
}
