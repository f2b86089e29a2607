/** Moves inventories between providers together with what is allocated from them, in one transaction. */
import type { PlacementDeps } from '../deps.ts'
import { codes, ConcurrentUpdate } from '../errors.ts'
import { Invalid } from '../../../platform/errors.ts'
import type { ConsumerRequest } from '../model/consumer.ts'
import { listInventories } from '../store/inventories.ts'
import { findProvider, type PlacementDb } from '../store/providers.ts'
import { setAllocations } from './allocate.ts'
import { setInventories, type Inventories } from './inventories.ts'
import { getProvider } from './providers.ts'

/** What a provider is to have; `generation` is the one that the caller knows. */
export interface Reshaping {
  readonly provider: string
  readonly generation: number
  readonly inventories: Inventories
}

/**
 * First every provider has the old inventories and the new ones, so that allocations can be moved; then only the new.
 * Throws as `setInventories` and `setAllocations`, and Invalid for a provider that does not exist.
 */
export function reshape(
  { database, log }: Pick<PlacementDeps, 'database' | 'log'>,
  reshapings: readonly Reshaping[],
  requests: readonly ConsumerRequest[],
): Promise<void> {
  return database.transaction(async (tx) => {
    for (const each of reshapings) await checkGeneration(tx, each)
    for (const { provider, inventories } of reshapings) {
      if (Object.keys(inventories).length === 0) continue
      await setInventories(tx, log, await getProvider(tx, provider), {
        ...(await currentInventories(tx, provider)),
        ...inventories,
      })
    }
    await setAllocations(tx, requests)
    for (const { provider, inventories } of reshapings) {
      await setInventories(tx, log, await getProvider(tx, provider), inventories)
    }
  })
}

async function checkGeneration(tx: PlacementDb, { provider: uuid, generation }: Reshaping) {
  const provider = await findProvider(tx, uuid)
  if (!provider) {
    throw new Invalid(
      `Resource provider ${uuid} in inventories not found: No resource provider with uuid ${uuid} found`,
      { code: codes.providerNotFound },
    )
  }
  if (provider.generation !== generation) {
    throw new ConcurrentUpdate(
      `resource provider generation conflict for provider ${uuid}: actual: ${provider.generation}, given: ${generation}`,
    )
  }
}

async function currentInventories(tx: PlacementDb, provider: string): Promise<Inventories> {
  const rows = await listInventories(tx, [provider])
  return Object.fromEntries(
    rows.map(({ provider_uuid: _uuid, resource_class: name, updated_at: _at, ...rule }) => [name, rule]),
  )
}
