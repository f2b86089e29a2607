/** Which trees are worth looking at: those that the rarest thing in the request is in. */
import { canGive, hasAny, type Provider } from '../provider.ts'
import type { ProviderIndex } from '../provider-index.ts'
import type { CandidateRequest, Group } from './request.ts'

/** Roots of trees that may satisfy the request; the others cannot. Lazy: a search with a limit needs few of them. */
export function* anchorsFor(index: ProviderIndex, request: CandidateRequest): Generator<string> {
  const seen = new Set<string>()
  const found = clues(index, request)
  if (!found.every(isAnywhere)) return
  const { sets, helps } = rarest(found)
  for (const set of sets) {
    for (const provider of set) {
      if (helps && !helps(provider)) continue
      for (const root of index.anchorsOf(provider)) {
        if (seen.has(root)) continue
        seen.add(root)
        if (isWantedRoot(index.get(root), request)) yield root
      }
    }
  }
}

function isWantedRoot(root: Provider | undefined, { rootRequired, rootForbidden }: CandidateRequest): boolean {
  if (root === undefined) return false
  return rootRequired.every((trait) => root.traits.has(trait)) && !hasAny(root.traits, rootForbidden)
}

/** Sets of providers; a tree that satisfies the request has (or is lent) one of them that helps. */
interface Clue {
  readonly sets: readonly ReadonlySet<Provider>[]
  readonly helps?: (provider: Provider) => boolean
}

function clues(index: ProviderIndex, request: CandidateRequest): Clue[] {
  const found = request.rootRequired.map((trait): Clue => ({ sets: [index.withTrait(trait)] }))
  for (const group of request.groups) found.push(...cluesOf(index, group))
  return found
}

function cluesOf(index: ProviderIndex, group: Group): Clue[] {
  const found: Clue[] = []
  for (const [name, amount] of Object.entries(group.resources)) {
    found.push({ sets: [index.withClass(name)], helps: (provider) => canGive(provider, name, amount) })
  }
  for (const any of group.required) found.push({ sets: [...new Set(any)].map((trait) => index.withTrait(trait)) })
  if (group.inTree !== undefined) found.push({ sets: [index.tree(index.get(group.inTree)?.root ?? '')] })
  for (const any of group.memberOf) found.push({ sets: any.map((aggregate) => index.inAggregate(aggregate)) })
  return found
}

/** Whether anybody helps at all; mostly the first does. */
function isAnywhere({ sets, helps }: Clue): boolean {
  for (const set of sets) for (const provider of set) if (!helps || helps(provider)) return true
  return false
}

const sizeOf = ({ sets }: Clue): number => sets.reduce((size, set) => size + set.size, 0)

const rarest = (found: readonly Clue[]): Clue =>
  found.reduce((best, each) => (sizeOf(each) < sizeOf(best) ? each : best), found[0] ?? { sets: [] })
