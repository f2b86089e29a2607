/** One offer for each group at one tree, such that together they are a candidate. */
import { capacityOf } from '../capacity.ts'
import type { ProviderIndex } from '../provider-index.ts'
import type { Offer } from './offers.ts'
import type { CandidateRequest } from './request.ts'
import { areInOneSubtree } from './subtree.ts'

/** Every combination that keeps capacity, `group_policy` and `same_subtree`; wrong beginnings are not continued. */
export function* combinations(
  index: ProviderIndex,
  request: CandidateRequest,
  offers: readonly (readonly Offer[])[],
): Generator<readonly Offer[]> {
  if (!hasRoomApart(request, offers)) return
  // Few choices first: what cannot be is found out early.
  const lists = offers.toSorted((a, b) => a.length - b.length)
  const taken = new Map<string, number>()
  const chosen: Offer[] = []

  function* choose(at: number): Generator<readonly Offer[]> {
    if (at === lists.length) {
      yield [...chosen]
      return
    }
    for (const offer of lists[at]!) {
      chosen.push(offer)
      if (isApart(chosen, request) && take(taken, offer, 1)) {
        if (keepsSubtrees(index, chosen, request, lists.length)) yield* choose(at + 1)
        take(taken, offer, -1)
      }
      chosen.pop()
    }
  }
  yield* choose(0)
}

/** With `isolate`: as many providers as groups, without which every arrangement would be tried in vain. */
function hasRoomApart({ groupPolicy }: CandidateRequest, offers: readonly (readonly Offer[])[]): boolean {
  if (groupPolicy !== 'isolate') return true
  const apart = offers.filter((list) => list[0]?.suffix !== '')
  return new Set(apart.flatMap((list) => list.map((offer) => offer.providers[0]))).size >= apart.length
}

/** `isolate`: no provider serves two suffixed groups. */
function isApart(chosen: readonly Offer[], { groupPolicy }: CandidateRequest): boolean {
  const last = chosen.at(-1)!
  if (groupPolicy !== 'isolate' || last.suffix === '') return true
  return chosen.slice(0, -1).every((other) => other.suffix === '' || other.providers[0] !== last.providers[0])
}

/** Books the parts of an offer (or gives them back with -1); false, with nothing booked, when they do not fit together. */
function take(taken: Map<string, number>, offer: Offer, sign: 1 | -1): boolean {
  for (const [at, { provider, resourceClass, amount }] of offer.parts.entries()) {
    const key = `${provider.uuid} ${resourceClass}`
    const sum = (taken.get(key) ?? 0) + sign * amount
    taken.set(key, sum)
    const stock = provider.stock.get(resourceClass)!
    if (sign < 0 || (sum <= stock.max_unit && stock.used + sum <= capacityOf(stock))) continue
    take(taken, { ...offer, parts: offer.parts.slice(0, at + 1) }, -1)
    return false
  }
  return true
}

/** Looks at the subtrees whose groups are complete with the last choice. */
function keepsSubtrees(
  index: ProviderIndex,
  chosen: readonly Offer[],
  { sameSubtrees }: CandidateRequest,
  groups: number,
): boolean {
  const last = chosen.at(-1)!.suffix
  return sameSubtrees.every((suffixes) => {
    const members = chosen.filter((offer) => suffixes.has(offer.suffix))
    const isComplete = members.length === suffixes.size || chosen.length === groups
    if (!isComplete || !suffixes.has(last)) return true
    return areInOneSubtree(
      index,
      members.flatMap((offer) => offer.providers),
    )
  })
}
