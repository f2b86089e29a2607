/** Replaces the allocations of consumers in one transaction: capacity, generations and consumers are checked in it. */
import type { Database } from '../../../platform/db/database.ts'
import { CapacityExceeded, ConcurrentUpdate, ProviderNotFound } from '../errors.ts'
import { BadRequest } from '../../../platform/http/errors.ts'
import { refusal } from '../model/capacity.ts'
import { findProvider, listInventories, raiseGeneration, type PlacementDb } from '../store/providers.ts'
import type { PlacementSchema } from '../store/tables.ts'

export interface ConsumerAllocations {
  consumer: string
  projectId: string
  userId: string
  type: string
  /** null: the consumer must be new; undefined: not checked (before 1.28). */
  generation: number | null | undefined
  /** Provider to class to amount; empty takes everything back. */
  resources: Readonly<Record<string, Readonly<Record<string, number>>>>
}

/** Throws ConcurrentUpdate, CapacityExceeded or BadRequest; then nothing has changed. */
export function replaceAllocations(
  database: Database<PlacementSchema>,
  requests: readonly ConsumerAllocations[],
): Promise<void> {
  return database.transaction(async (tx) => {
    const touched = new Set<string>()
    for (const request of requests) {
      await checkConsumer(tx, request)
      const before = await tx
        .selectFrom('allocations')
        .select('provider_uuid')
        .distinct()
        .where('consumer_uuid', '=', request.consumer)
        .execute()
      for (const row of before) touched.add(row.provider_uuid)
      await tx.deleteFrom('allocations').where('consumer_uuid', '=', request.consumer).execute()
    }
    for (const request of requests) {
      for (const [provider, resources] of Object.entries(request.resources)) {
        touched.add(provider)
        await give(tx, request.consumer, provider, resources)
      }
      await writeConsumer(tx, request)
    }
    for (const uuid of touched) await raise(tx, uuid)
  })
}

async function checkConsumer(tx: PlacementDb, { consumer, generation }: ConsumerAllocations) {
  if (generation === undefined) return
  const row = await tx.selectFrom('consumers').select('generation').where('uuid', '=', consumer).executeTakeFirst()
  const actual = row ? Number(row.generation) : null
  if (actual !== generation) {
    throw new ConcurrentUpdate(
      `consumer generation conflict - expected ${actual ?? 'null'} but got ${generation ?? 'null'}`,
    )
  }
}

async function give(tx: PlacementDb, consumer: string, provider: string, resources: Readonly<Record<string, number>>) {
  const inventories = await listInventories(tx, [provider])
  if (inventories.length === 0 && !(await findProvider(tx, provider))) {
    throw new BadRequest(`Allocation for resource provider '${provider}' that does not exist.`)
  }
  for (const [resource_class, amount] of Object.entries(resources)) {
    const inventory = inventories.find((each) => each.resource_class === resource_class)
    const { used } = await tx
      .selectFrom('allocations')
      .select(({ fn }) => fn.sum<number | null>('used').as('used'))
      .where('provider_uuid', '=', provider)
      .where('resource_class', '=', resource_class)
      .executeTakeFirstOrThrow()
    const why = refusal(inventory, Number(used ?? 0), amount)
    if (why)
      throw new CapacityExceeded(
        `The requested amount ${amount} of ${resource_class} on resource provider '${provider}' would exceed its capacity or violates its inventory: ${why}.`,
      )
    await tx
      .insertInto('allocations')
      .values({ provider_uuid: provider, consumer_uuid: consumer, resource_class, used: amount })
      .execute()
  }
}

async function writeConsumer(tx: PlacementDb, request: ConsumerAllocations) {
  if (Object.keys(request.resources).length === 0) {
    await tx.deleteFrom('consumers').where('uuid', '=', request.consumer).execute()
    return
  }
  const values = { project_id: request.projectId, user_id: request.userId, type: request.type }
  const existing = await tx
    .selectFrom('consumers')
    .select('generation')
    .where('uuid', '=', request.consumer)
    .executeTakeFirst()
  if (existing) {
    await tx
      .updateTable('consumers')
      .set({ ...values, generation: Number(existing.generation) + 1 })
      .where('uuid', '=', request.consumer)
      .execute()
  } else
    await tx
      .insertInto('consumers')
      .values({ uuid: request.consumer, ...values, generation: 1 })
      .execute()
}

async function raise(tx: PlacementDb, uuid: string) {
  const provider = await findProvider(tx, uuid)
  if (!provider) throw new ProviderNotFound(uuid)
  if (!(await raiseGeneration(tx, uuid, Number(provider.generation)))) {
    throw new ConcurrentUpdate('Another thread concurrently updated the resource provider data. Please retry.')
  }
}
