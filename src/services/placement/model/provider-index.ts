/** All providers in memory, found by tree, class, trait and aggregate. Pure: who keeps it fresh is the store. */
import type { Provider } from './provider.ts'
import { sharesViaAggregate } from './standard-traits.ts'

type Sets = Map<string, Set<Provider>>
const none: ReadonlySet<Provider> = new Set()

export class ProviderIndex {
  readonly #providers = new Map<string, Provider>()
  readonly #trees: Sets = new Map()
  readonly #byClass: Sets = new Map()
  readonly #byTrait: Sets = new Map()
  readonly #byAggregate: Sets = new Map()
  #nested = 0
  #shared: ReadonlyMap<string, ReadonlySet<Provider>> | undefined

  get(uuid: string): Provider | undefined {
    return this.#providers.get(uuid)
  }

  all(): IterableIterator<Provider> {
    return this.#providers.values()
  }

  /** The providers of the tree below a root, with it. */
  tree(root: string): ReadonlySet<Provider> {
    return this.#trees.get(root) ?? none
  }

  withClass(name: string): ReadonlySet<Provider> {
    return this.#byClass.get(name) ?? none
  }

  withTrait(name: string): ReadonlySet<Provider> {
    return this.#byTrait.get(name) ?? none
  }

  inAggregate(uuid: string): ReadonlySet<Provider> {
    return this.#byAggregate.get(uuid) ?? none
  }

  /** True when any provider has a parent. */
  get hasTrees(): boolean {
    return this.#nested > 0
  }

  /** Providers of other trees that share what they have with the tree below `root`. */
  sharedWith(root: string): ReadonlySet<Provider> {
    return this.#sharedByRoot().get(root) ?? none
  }

  /** Roots of the trees that may use a provider: its own and, when it shares, those in its aggregates. */
  anchorsOf(provider: Provider): Iterable<string> {
    if (!provider.traits.has(sharesViaAggregate)) return [provider.root]
    const roots = new Set([provider.root])
    for (const aggregate of provider.aggregates) {
      for (const member of this.inAggregate(aggregate)) roots.add(member.root)
    }
    return roots
  }

  /** Adds a provider, or replaces the one of the same uuid. */
  put(provider: Provider): void {
    const before = this.#providers.get(provider.uuid)
    if (before && isSameShape(before, provider)) {
      this.#swap(before, provider)
      return
    }
    if (before) this.#unlink(before)
    // Set on an existing key keeps its place: the order of providers is that of their making.
    this.#providers.set(provider.uuid, provider)
    this.#shared = undefined
    if (provider.parent !== null) this.#nested++
    for (const [sets, key] of this.#keysOf(provider)) add(sets, key, provider)
  }

  remove(uuid: string): void {
    const before = this.#providers.get(uuid)
    if (!before) return
    this.#unlink(before)
    this.#providers.delete(uuid)
  }

  #unlink(provider: Provider) {
    this.#shared = undefined
    if (provider.parent !== null) this.#nested--
    for (const [sets, key] of this.#keysOf(provider)) {
      const set = sets.get(key)
      set?.delete(provider)
      if (set?.size === 0) sets.delete(key)
    }
  }

  /** Only amounts differ: the usual case, a claim. */
  #swap(before: Provider, after: Provider) {
    this.#providers.set(after.uuid, after)
    const isShared = before.traits.has(sharesViaAggregate)
    if (isShared) this.#shared = undefined
    for (const [sets, key] of this.#keysOf(after)) {
      sets.get(key)?.delete(before)
      add(sets, key, after)
    }
  }

  *#keysOf(provider: Provider): Generator<readonly [Sets, string]> {
    yield [this.#trees, provider.root]
    for (const name of provider.stock.keys()) yield [this.#byClass, name]
    for (const name of provider.traits) yield [this.#byTrait, name]
    for (const uuid of provider.aggregates) yield [this.#byAggregate, uuid]
  }

  #sharedByRoot(): ReadonlyMap<string, ReadonlySet<Provider>> {
    if (this.#shared) return this.#shared
    const shared: Sets = new Map()
    for (const provider of this.withTrait(sharesViaAggregate)) {
      for (const root of this.anchorsOf(provider)) if (root !== provider.root) add(shared, root, provider)
    }
    this.#shared = shared
    return shared
  }
}

function add(sets: Sets, key: string, provider: Provider) {
  const set = sets.get(key)
  if (set) set.add(provider)
  else sets.set(key, new Set([provider]))
}

const isSameShape = (a: Provider, b: Provider): boolean =>
  a.root === b.root &&
  a.parent === b.parent &&
  isSame(a.traits, b.traits) &&
  isSame(a.aggregates, b.aggregates) &&
  isSame(new Set(a.stock.keys()), new Set(b.stock.keys()))

const isSame = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean =>
  a.size === b.size && [...a].every((each) => b.has(each))
