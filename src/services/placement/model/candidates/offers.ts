/** What a tree, with the providers that share with it, offers to one group. */
import { fits } from '../capacity.ts'
import { hasAny, hasEach, type Provider } from '../provider.ts'
import type { ProviderIndex } from '../provider-index.ts'
import { compareClasses } from '../standard-classes.ts'
import type { Group } from './request.ts'

/** An amount of a class taken of a provider. */
export interface Part {
  readonly provider: Provider
  readonly resourceClass: string
  readonly amount: number
}

/** One way to satisfy a group. A group without resources has providers and no parts. */
export interface Offer {
  readonly suffix: string
  readonly providers: readonly Provider[]
  readonly parts: readonly Part[]
}

/** Every way to satisfy `group` with the tree below `root`. */
export const offersOf = (index: ProviderIndex, group: Group, root: string): Offer[] =>
  group.suffix === '' ? offersOfTree(index, group, root) : offersOfProviders(index, group, root)

/** A numbered group: one provider satisfies all of it, by itself. */
function offersOfProviders(index: ProviderIndex, group: Group, root: string): Offer[] {
  const offers: Offer[] = []
  const amounts = Object.entries(group.resources)
  // As upstream has it, a group without resources must say by trait or aggregate what it is about.
  if (amounts.length === 0 && group.required.length === 0 && group.memberOf.length === 0) return offers
  const tree = treeOf(index, group)
  for (const provider of around(index, root)) {
    if (tree !== undefined && provider.root !== tree) continue
    if (!amounts.every(([name, amount]) => canGive(provider, name, amount))) continue
    if (!meetsAlone(provider, group)) continue
    const parts = amounts.map(([resourceClass, amount]) => ({ provider, resourceClass, amount }))
    offers.push({ suffix: group.suffix, providers: [provider], parts })
  }
  return offers
}

const meetsAlone = (provider: Provider, group: Group): boolean =>
  hasEach(provider.traits, group.required) &&
  !hasAny(provider.traits, group.forbidden) &&
  hasEach(provider.aggregates, group.memberOf) &&
  !hasAny(provider.aggregates, group.notMemberOf)

/** The unsuffixed group: each class from any provider of the tree; traits are counted together. */
function offersOfTree(index: ProviderIndex, group: Group, root: string): Offer[] {
  const tree = treeOf(index, group)
  if (tree !== undefined && tree !== root) return []
  const givers: Part[][] = []
  for (const [resourceClass, amount] of Object.entries(group.resources).sort(([a], [b]) => compareClasses(a, b))) {
    const parts = giversOf(index, group, root, resourceClass, amount)
    if (parts.length === 0) return []
    givers.push(parts)
  }
  const offers: Offer[] = []
  for (const parts of product(givers)) {
    const providers = [...new Set(parts.map((part) => part.provider))]
    if (providers.some((provider) => hasAny(provider.traits, group.forbidden))) continue
    if (!haveTogether(providers, group.required)) continue
    offers.push({ suffix: '', providers, parts })
  }
  return offers
}

function giversOf(index: ProviderIndex, group: Group, root: string, resourceClass: string, amount: number): Part[] {
  const parts: Part[] = []
  const anchor = index.get(root)
  if (anchor && hasAny(anchor.aggregates, group.notMemberOf)) return parts
  for (const provider of group.inTree === undefined ? around(index, root) : index.tree(root)) {
    if (!canGive(provider, resourceClass, amount)) continue
    if (hasAny(provider.aggregates, group.notMemberOf)) continue
    // An aggregate of the root spans its tree; a provider that shares must be in it itself.
    const isMember =
      hasEach(provider.aggregates, group.memberOf) ||
      (provider.root === root && anchor !== undefined && hasEach(anchor.aggregates, group.memberOf))
    if (isMember) parts.push({ provider, resourceClass, amount })
  }
  return parts
}

function haveTogether(providers: readonly Provider[], required: Group['required']): boolean {
  if (providers.length === 1) return hasEach(providers[0]!.traits, required)
  return required.every((any) => any.some((trait) => providers.some((provider) => provider.traits.has(trait))))
}

function canGive(provider: Provider, resourceClass: string, amount: number): boolean {
  const stock = provider.stock.get(resourceClass)
  return stock !== undefined && fits(stock, stock.used, amount)
}

function* around(index: ProviderIndex, root: string): Generator<Provider> {
  yield* index.tree(root)
  yield* index.sharedWith(root)
}

/** The root of the tree that a group must stay in: undefined for any, empty for one that does not exist. */
const treeOf = (index: ProviderIndex, { inTree }: Group): string | undefined =>
  inTree === undefined ? undefined : (index.get(inTree)?.root ?? '')

function* product<T>(lists: readonly (readonly T[])[], at = 0): Generator<T[]> {
  if (at === lists.length) {
    yield []
    return
  }
  for (const first of lists[at]!) for (const rest of product(lists, at + 1)) yield [first, ...rest]
}
