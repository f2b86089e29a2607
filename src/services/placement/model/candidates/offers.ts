/** What a tree, with the providers that share with it, offers to one group. */
import { canGive, hasAny, hasEach, type Provider } from '../provider.ts'
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

/** A group with what is the same for every tree worked out once. */
export interface Plan extends Group {
  readonly amounts: readonly (readonly [resourceClass: string, amount: number])[]
  /** Root of the tree that must satisfy the group: undefined for any, empty for one that does not exist. */
  readonly tree: string | undefined
}

/** Prepares a group for many trees. */
export const planOf = (index: ProviderIndex, group: Group): Plan => ({
  ...group,
  amounts: Object.entries(group.resources).sort(([a], [b]) => compareClasses(a, b)),
  tree: group.inTree === undefined ? undefined : (index.get(group.inTree)?.root ?? ''),
})

/** Every way to satisfy a group with the tree below `root`; there may be very many. */
export const offersOf = (index: ProviderIndex, plan: Plan, root: string): Iterable<Offer> =>
  plan.suffix === '' ? offersOfTree(index, plan, root) : offersOfProviders(index, plan, root)

/** A numbered group: one provider satisfies all of it, by itself. */
function offersOfProviders(index: ProviderIndex, plan: Plan, root: string): Offer[] {
  const offers: Offer[] = []
  const { suffix, amounts } = plan
  // As upstream has it, a group without resources must say by trait or aggregate what it is about.
  if (amounts.length === 0 && plan.required.length === 0 && plan.memberOf.length === 0) return offers
  const consider = (provider: Provider) => {
    if (plan.tree !== undefined && provider.root !== plan.tree) return
    for (const [name, amount] of amounts) if (!canGive(provider, name, amount)) return
    if (!meetsAlone(provider, plan)) return
    const parts = amounts.map(([resourceClass, amount]) => ({ provider, resourceClass, amount }))
    offers.push({ suffix, providers: [provider], parts })
  }
  for (const provider of index.tree(root)) consider(provider)
  for (const provider of index.sharedWith(root)) consider(provider)
  return offers
}

const meetsAlone = (provider: Provider, group: Group): boolean =>
  hasEach(provider.traits, group.required) &&
  !hasAny(provider.traits, group.forbidden) &&
  hasEach(provider.aggregates, group.memberOf) &&
  !hasAny(provider.aggregates, group.notMemberOf)

/** The unsuffixed group: each class from any provider of the tree; traits are counted together. */
function offersOfTree(index: ProviderIndex, plan: Plan, root: string): Iterable<Offer> {
  if (plan.tree !== undefined && plan.tree !== root) return []
  const anchor = index.get(root)
  if (anchor && hasAny(anchor.aggregates, plan.notMemberOf)) return []
  // An aggregate of the root spans its tree; a provider that shares must be in it itself.
  const spans = anchor !== undefined && hasEach(anchor.aggregates, plan.memberOf)
  const givers: Part[][] = []
  for (const [resourceClass, amount] of plan.amounts) {
    const parts = giversOf(index, plan, root, { resourceClass, amount, spans })
    if (parts.length === 0) return []
    givers.push(parts)
  }
  return together(plan, givers)
}

/** One giver of each class, such that together they have the traits. */
function* together(plan: Plan, givers: readonly Part[][]): Generator<Offer> {
  for (const parts of product(givers)) {
    const providers = [...new Set(parts.map((part) => part.provider))]
    if (providers.some((provider) => hasAny(provider.traits, plan.forbidden))) continue
    if (haveTogether(providers, plan.required)) yield { suffix: '', providers, parts }
  }
}

function giversOf(
  index: ProviderIndex,
  plan: Plan,
  root: string,
  { resourceClass, amount, spans }: { resourceClass: string; amount: number; spans: boolean },
): Part[] {
  const parts: Part[] = []
  const consider = (provider: Provider) => {
    if (!canGive(provider, resourceClass, amount) || hasAny(provider.aggregates, plan.notMemberOf)) return
    const isMember = (spans && provider.root === root) || hasEach(provider.aggregates, plan.memberOf)
    if (isMember) parts.push({ provider, resourceClass, amount })
  }
  for (const provider of index.tree(root)) consider(provider)
  if (plan.tree === undefined) for (const provider of index.sharedWith(root)) consider(provider)
  return parts
}

function haveTogether(providers: readonly Provider[], required: Group['required']): boolean {
  if (providers.length === 1) return hasEach(providers[0]!.traits, required)
  return required.every((any) => any.some((trait) => providers.some((provider) => provider.traits.has(trait))))
}

function* product<T>(lists: readonly (readonly T[])[], at = 0): Generator<T[]> {
  if (lists.every((list) => list.length === 1)) yield lists.slice(at).map((list) => list[0]!)
  else if (at === lists.length) yield []
  else for (const first of lists[at]!) for (const rest of product(lists, at + 1)) yield [first, ...rest]
}
