/** Traits and aggregates of providers. */
import type { PlacementDeps } from '../deps.ts'
import { ConcurrentUpdate } from '../errors.ts'
import { noteChanges } from '../store/changes.ts'
import { raiseGeneration, setAggregates, type PlacementDb } from '../store/providers.ts'
import type { ProviderRow } from '../store/tables.ts'
import { setTraits, traitsOf } from '../store/traits.ts'

type Deps = Pick<PlacementDeps, 'database'>
type Owner = Pick<ProviderRow, 'uuid' | 'generation'>

async function raise(tx: PlacementDb, provider: Owner): Promise<number> {
  if (!(await raiseGeneration(tx, provider.uuid, provider.generation))) throw new ConcurrentUpdate()
  return provider.generation + 1
}

/** Gives the generation after; only clients since 1.19 raise it. */
export function replaceAggregates(
  { database }: Deps,
  provider: Owner,
  aggregates: readonly string[],
  raises: boolean,
): Promise<number> {
  return database.transaction(async (tx) => {
    const generation = raises ? await raise(tx, provider) : provider.generation
    await setAggregates(tx, provider.uuid, aggregates)
    await noteChanges(tx, [provider.uuid])
    return generation
  })
}

/** Gives the generation after: the same when nothing changes. */
export function replaceTraits({ database }: Deps, provider: Owner, traits: readonly string[]): Promise<number> {
  return database.transaction(async (tx) => {
    const before = await traitsOf(tx, provider.uuid)
    const wanted = [...new Set(traits)]
    if (before.length === wanted.length && wanted.every((trait) => before.includes(trait))) return provider.generation
    const generation = await raise(tx, provider)
    await setTraits(tx, provider.uuid, wanted)
    await noteChanges(tx, [provider.uuid])
    return generation
  })
}
