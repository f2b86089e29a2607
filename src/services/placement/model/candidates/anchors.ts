/** Which trees are worth looking at: those that the rarest thing in the request is in. */
import { hasAny, type Provider } from '../provider.ts'
import type { ProviderIndex } from '../provider-index.ts'
import type { CandidateRequest, Group } from './request.ts'

/** Roots of trees that may satisfy the request; the others cannot. */
export function anchorsFor(index: ProviderIndex, request: CandidateRequest): string[] {
  const roots = new Set<string>()
  for (const set of rarest(clues(index, request))) {
    for (const provider of set) for (const root of index.anchorsOf(provider)) roots.add(root)
  }
  return [...roots].filter((root) => isWantedRoot(index.get(root), request))
}

function isWantedRoot(root: Provider | undefined, { rootRequired, rootForbidden }: CandidateRequest): boolean {
  if (root === undefined) return false
  return rootRequired.every((trait) => root.traits.has(trait)) && !hasAny(root.traits, rootForbidden)
}

/** Sets of providers; a tree that satisfies the request has (or is lent) a provider of each clue. */
type Clue = readonly Iterable<Provider>[]

function clues(index: ProviderIndex, request: CandidateRequest): (readonly [size: number, clue: Clue])[] {
  const found: [number, Clue][] = []
  const note = (sets: readonly ReadonlySet<Provider>[]) =>
    void found.push([sets.reduce((size, set) => size + set.size, 0), sets])
  for (const trait of request.rootRequired) note([index.withTrait(trait)])
  for (const group of request.groups) cluesOf(index, group, note)
  return found
}

function cluesOf(index: ProviderIndex, group: Group, note: (sets: readonly ReadonlySet<Provider>[]) => void) {
  for (const name of Object.keys(group.resources)) note([index.withClass(name)])
  for (const any of group.required) note([...new Set(any)].map((trait) => index.withTrait(trait)))
  if (group.inTree !== undefined) note([index.tree(index.get(group.inTree)?.root ?? '')])
  if (group.suffix === '') return // its aggregates may be those of the root
  for (const any of group.memberOf) note(any.map((aggregate) => index.inAggregate(aggregate)))
}

const rarest = (found: readonly (readonly [number, Clue])[]): Clue =>
  found.reduce((best, each) => (each[0] < best[0] ? each : best), [Infinity, []] as readonly [number, Clue])[1]
