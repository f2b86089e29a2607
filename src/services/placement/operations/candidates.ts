/** Which trees of providers could take a request, and how. Reads four tables once and matches in memory. */
import type { PlacementDb, Provider, Inventory } from '../store/providers.ts'
import { listInventories, listProviders, listUsage } from '../store/providers.ts'
import { capacityOf, refusal } from '../model/capacity.ts'

export interface CandidateRequest {
  resources: Readonly<Record<string, number>>
  /** Each entry: at least one of these traits. */
  required: readonly (readonly string[])[]
  forbidden: readonly string[]
  /** Each entry: in at least one of these aggregates. */
  memberOf: readonly (readonly string[])[]
  notMemberOf: readonly string[]
  inTree: string | undefined
  limit: number | undefined
}

export interface ProviderSummary {
  resources: Record<string, { capacity: number; used: number }>
  traits: string[]
  rootId: string
  parentId: string | null
}

export interface Candidates {
  /** Provider to class to amount. */
  requests: Record<string, Record<string, number>>[]
  summaries: Map<string, ProviderSummary>
}

interface World {
  providers: Provider[]
  inventories: Map<string, Inventory[]>
  used: Map<string, number>
  traits: Map<string, Set<string>>
  aggregates: Map<string, Set<string>>
}

/** Candidates in the order of provider names, at most `limit`. */
export async function findCandidates(db: PlacementDb, request: CandidateRequest): Promise<Candidates> {
  const world = await read(db)
  const trees = Map.groupBy(world.providers, (provider) => provider.root_uuid)
  const found: Candidates = { requests: [], summaries: new Map() }
  for (const [root, tree] of trees) {
    if (request.limit !== undefined && found.requests.length >= request.limit) break
    if (request.inTree !== undefined && !tree.some((provider) => provider.uuid === request.inTree)) continue
    const options = matchTree(world, root, tree, request)
    if (options.length === 0) continue
    found.requests.push(...options)
    for (const provider of tree) found.summaries.set(provider.uuid, summarize(world, provider))
  }
  if (request.limit !== undefined) found.requests.length = Math.min(found.requests.length, request.limit)
  return found
}

async function read(db: PlacementDb): Promise<World> {
  const group = (rows: readonly { provider_uuid: string; value: string }[]) => {
    const map = new Map<string, Set<string>>()
    for (const { provider_uuid, value } of rows)
      map.set(provider_uuid, (map.get(provider_uuid) ?? new Set()).add(value))
    return map
  }
  const usage = await listUsage(db)
  return {
    providers: await listProviders(db),
    inventories: Map.groupBy(await listInventories(db), (row) => row.provider_uuid),
    used: new Map(usage.map((row) => [`${row.provider_uuid} ${row.resource_class}`, row.used])),
    traits: group(await db.selectFrom('provider_traits').select(['provider_uuid', 'trait as value']).execute()),
    aggregates: group(
      await db.selectFrom('provider_aggregates').select(['provider_uuid', 'aggregate_uuid as value']).execute(),
    ),
  }
}

const mostPerTree = 50

/** The ways in which one tree can give what is asked for: every class from one provider of the tree. */
function matchTree(
  world: World,
  root: string,
  tree: readonly Provider[],
  request: CandidateRequest,
): Record<string, Record<string, number>>[] {
  const eligible = tree.filter((provider) => isMember(world, provider, root, request))
  let options: Record<string, Record<string, number>>[] = [{}]
  for (const [resourceClass, amount] of Object.entries(request.resources)) {
    const givers = eligible.filter((provider) => {
      const inventory = world.inventories.get(provider.uuid)?.find((each) => each.resource_class === resourceClass)
      return refusal(inventory, world.used.get(`${provider.uuid} ${resourceClass}`) ?? 0, amount) === undefined
    })
    options = options
      .flatMap((option) =>
        givers.map((giver) => ({ ...option, [giver.uuid]: { ...option[giver.uuid], [resourceClass]: amount } })),
      )
      .slice(0, mostPerTree)
  }
  return options.filter((option) => hasTraits(world, Object.keys(option), request))
}

/** Required traits must be found among the providers that give something, forbidden ones on none of them. */
function hasTraits(world: World, givers: readonly string[], { required, forbidden }: CandidateRequest): boolean {
  const traits = new Set(givers.flatMap((uuid) => [...(world.traits.get(uuid) ?? [])]))
  return (
    required.every((any) => any.some((trait) => traits.has(trait))) && !forbidden.some((trait) => traits.has(trait))
  )
}

function isMember(
  world: World,
  provider: Provider,
  root: string,
  { memberOf, notMemberOf }: CandidateRequest,
): boolean {
  const mine = new Set([...(world.aggregates.get(provider.uuid) ?? []), ...(world.aggregates.get(root) ?? [])])
  return memberOf.every((any) => any.some((each) => mine.has(each))) && !notMemberOf.some((each) => mine.has(each))
}

function summarize(world: World, provider: Provider): ProviderSummary {
  const resources = (world.inventories.get(provider.uuid) ?? []).map((inventory) => [
    inventory.resource_class,
    { capacity: capacityOf(inventory), used: world.used.get(`${provider.uuid} ${inventory.resource_class}`) ?? 0 },
  ])
  return {
    resources: Object.fromEntries(resources) as ProviderSummary['resources'],
    traits: [...(world.traits.get(provider.uuid) ?? [])].sort(),
    rootId: provider.root_uuid,
    parentId: provider.parent_uuid,
  }
}
