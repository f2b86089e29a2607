/** Finds the ways in which a cloud can satisfy a request. Lazy: with a limit, no more trees are looked at than needed. */
import type { Provider } from '../provider.ts'
import type { ProviderIndex } from '../provider-index.ts'
import { sharesViaAggregate } from '../standard-traits.ts'
import { anchorsFor } from './anchors.ts'
import { combinations } from './combine.ts'
import { offersOf, planOf, type Offer, type Plan } from './offers.ts'
import type { CandidateRequest, SearchOptions } from './request.ts'

/** A possible allocation. */
export interface Candidate {
  /** Provider to class to amount. */
  readonly allocations: ReadonlyMap<Provider, ReadonlyMap<string, number>>
  /** Suffix of a group to the providers that satisfy it. */
  readonly mappings: Readonly<Record<string, readonly string[]>>
}

export interface SearchResult {
  readonly candidates: readonly Candidate[]
  /** The providers that the answer tells about: the trees of those that are allocated. */
  readonly providers: readonly Provider[]
}

/** Searches `index`. Pure but for `random`, which gives numbers from 0 to 1. */
export function findCandidates(
  index: ProviderIndex,
  request: CandidateRequest,
  options: SearchOptions,
  random: () => number = Math.random,
): SearchResult {
  const plans = request.groups.map((group) => planOf(index, group))
  const anchors = options.isRandom ? shuffled([...anchorsFor(index, request)], random) : anchorsFor(index, request)
  const perTree = eachTree(anchors, (root) => candidatesOfTree(index, request, plans, root))
  // By turns, a random sample does not stay within the first trees it meets.
  const inOrder: Iterable<Candidate> = options.isBreadthFirst || options.isRandom ? byTurns(perTree) : oneByOne(perTree)
  const isBlind = !options.isNestedAware && index.hasTrees
  const all = first(index.withTrait(sharesViaAggregate).size > 0 ? distinct(inOrder) : inOrder, options.maximum)
  const inTime = [...first(isBlind ? seenFlat(all) : all, options.limit)]
  const found = options.isRandom ? [...shuffled(inTime, random)] : inTime
  const used = found.flatMap((candidate) => [...candidate.allocations.keys()])
  const providers = new Set(isBlind ? used : used.flatMap((provider) => [...index.tree(provider.root)]))
  return { candidates: found, providers: [...providers] }
}

function* candidatesOfTree(
  index: ProviderIndex,
  request: CandidateRequest,
  plans: readonly Plan[],
  root: string,
): Generator<Candidate> {
  if (plans.length === 1) {
    for (const offer of offersOf(index, plans[0]!, root)) yield toCandidate([offer])
    return
  }
  const offers: Offer[][] = []
  for (const plan of plans) {
    const those = [...offersOf(index, plan, root)]
    if (those.length === 0) return
    offers.push(those)
  }
  for (const chosen of combinations(index, request, offers)) yield toCandidate(chosen)
}

function toCandidate(chosen: readonly Offer[]): Candidate {
  const allocations = new Map<Provider, Map<string, number>>()
  for (const { parts } of chosen) {
    for (const { provider, resourceClass, amount } of parts) {
      const resources = allocations.get(provider) ?? new Map<string, number>()
      resources.set(resourceClass, (resources.get(resourceClass) ?? 0) + amount)
      allocations.set(provider, resources)
    }
  }
  const mappings = chosen.map(({ suffix, providers }) => [suffix, providers.map((each) => each.uuid)] as const)
  return { allocations, mappings: Object.fromEntries(mappings) }
}

/** Providers that share can be reached from several trees: the same candidate is told once. */
function* distinct(candidates: Iterable<Candidate>): Generator<Candidate> {
  const seen = new Set<string>()
  for (const candidate of candidates) {
    const key = keyOf(candidate)
    if (seen.has(key)) continue
    seen.add(key)
    yield candidate
  }
}

function keyOf({ allocations, mappings }: Candidate): string {
  const parts: string[] = []
  for (const [provider, resources] of allocations) {
    for (const [name, amount] of resources) parts.push(`${provider.uuid}/${name}/${amount}`)
  }
  for (const [suffix, uuids] of Object.entries(mappings)) parts.push(`${suffix}=${[...uuids].sort().join()}`)
  return parts.sort().join(' ')
}

/** Those that take at most one provider of each tree. */
function* seenFlat(candidates: Iterable<Candidate>): Generator<Candidate> {
  for (const candidate of candidates) {
    const roots = new Set([...candidate.allocations.keys()].map((provider) => provider.root))
    if (roots.size === candidate.allocations.size) yield candidate
  }
}

function* eachTree(
  roots: Iterable<string>,
  candidates: (root: string) => Generator<Candidate>,
): Generator<Generator<Candidate>> {
  for (const root of roots) yield candidates(root)
}

function* oneByOne<T>(sources: Iterable<Iterable<T>>): Generator<T> {
  for (const source of sources) yield* source
}

function* first<T>(items: Iterable<T>, count = Infinity): Generator<T> {
  if (count <= 0) return
  let left = count
  for (const item of items) {
    yield item
    if (--left <= 0) return
  }
}

function* byTurns<T>(sources: Iterable<Iterator<T>>): Generator<T> {
  for (let live = sources; ;) {
    const next: Iterator<T>[] = []
    for (const source of live) {
      const { done, value } = source.next()
      if (done) continue
      yield value
      next.push(source)
    }
    if (next.length === 0) return
    live = next
  }
}

/** The items in random order, drawn as they are asked for. Takes `items` over. */
function* shuffled<T>(items: T[], random: () => number): Generator<T> {
  for (let left = items.length; left > 0; left--) {
    const drawn = Math.floor(random() * left)
    const item = items[drawn]!
    items[drawn] = items[left - 1]!
    yield item
  }
}
