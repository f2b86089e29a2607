import { isDuplicate } from '../../../platform/db/database.ts'
import type { PlacementDb } from './providers.ts'
import type { AllocationRow, ConsumerRow } from './tables.ts'

/** What is used of a provider, by class. */
export interface Usage {
  provider_uuid: string
  resource_class: string
  used: number
}

/** What is used of these providers; classes of which nothing is used are absent. */
export async function listUsage(db: PlacementDb, uuids: readonly string[]): Promise<Usage[]> {
  if (uuids.length === 0) return []
  const rows = await db
    .selectFrom('allocations')
    .select(({ fn }) => ['provider_uuid', 'resource_class', fn.sum<number>('used').as('used')])
    .where('provider_uuid', 'in', uuids)
    .groupBy(['provider_uuid', 'resource_class'])
    .execute()
  return rows.map((row) => ({ ...row, used: Number(row.used) }))
}

const toAllocation = (row: AllocationRow): AllocationRow => ({
  ...row,
  used: Number(row.used),
  created_at: Number(row.created_at),
  position: Number(row.position),
})

export const listAllocationsOf = async (db: PlacementDb, consumers: readonly string[]): Promise<AllocationRow[]> =>
  consumers.length === 0
    ? []
    : (await db.selectFrom('allocations').selectAll().where('consumer_uuid', 'in', consumers).execute()).map(
        toAllocation,
      )

/** The allocations of a consumer with the generations of their providers. */
export async function listOfConsumer(
  db: PlacementDb,
  consumer: string,
): Promise<(AllocationRow & { generation: number })[]> {
  const rows = await db
    .selectFrom('allocations')
    .innerJoin('providers', 'providers.uuid', 'allocations.provider_uuid')
    .selectAll('allocations')
    .select('providers.generation')
    .where('consumer_uuid', '=', consumer)
    .orderBy('position')
    .execute()
  return rows.map((row) => ({ ...toAllocation(row), generation: Number(row.generation) }))
}

/** The allocations from a provider with the generations of their consumers. */
export async function listOfProvider(
  db: PlacementDb,
  uuid: string,
): Promise<(AllocationRow & { consumer_generation: number })[]> {
  const rows = await db
    .selectFrom('allocations')
    .innerJoin('consumers', 'consumers.uuid', 'allocations.consumer_uuid')
    .selectAll('allocations')
    .select('consumers.generation as consumer_generation')
    .where('provider_uuid', '=', uuid)
    .orderBy('allocations.created_at')
    .orderBy('consumer_uuid')
    .orderBy('position')
    .execute()
  return rows.map((row) => ({ ...toAllocation(row), consumer_generation: Number(row.consumer_generation) }))
}

export async function hasAllocations(db: PlacementDb, provider: string): Promise<boolean> {
  const row = await db.selectFrom('allocations').select('used').where('provider_uuid', '=', provider).limit(1)
  return (await row.executeTakeFirst()) !== undefined
}

export async function deleteAllocationsOf(db: PlacementDb, consumers: readonly string[]): Promise<void> {
  if (consumers.length > 0) await db.deleteFrom('allocations').where('consumer_uuid', 'in', consumers).execute()
}

export async function insertAllocations(db: PlacementDb, rows: readonly AllocationRow[]): Promise<void> {
  for (let from = 0; from < rows.length; from += 100) {
    await db
      .insertInto('allocations')
      .values(rows.slice(from, from + 100))
      .execute()
  }
}

export async function findConsumer(db: PlacementDb, uuid: string): Promise<ConsumerRow | undefined> {
  const row = await db.selectFrom('consumers').selectAll().where('uuid', '=', uuid).executeTakeFirst()
  return row && { ...row, generation: Number(row.generation) }
}

/** Compare-and-swap: false when the consumer's generation is not `generation` any more. */
export async function updateConsumer(db: PlacementDb, row: ConsumerRow, generation: number): Promise<boolean> {
  const { uuid, ...values } = row
  const result = await db
    .updateTable('consumers')
    .set(values)
    .where('uuid', '=', uuid)
    .where('generation', '=', generation)
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

/** False when somebody made the consumer in between. */
export async function insertConsumer(db: PlacementDb, row: ConsumerRow): Promise<boolean> {
  try {
    await db.insertInto('consumers').values(row).execute()
    return true
  } catch (error) {
    if (isDuplicate(error)) return false
    throw error
  }
}

export async function deleteConsumers(db: PlacementDb, uuids: readonly string[]): Promise<void> {
  if (uuids.length > 0) await db.deleteFrom('consumers').where('uuid', 'in', uuids).execute()
}

export interface ProjectUsage {
  resource_class: string
  type: string
  used: number
}

/** What a project (or one user of it) uses, by class and type of consumer. */
export async function sumUsage(db: PlacementDb, projectId: string, userId?: string): Promise<ProjectUsage[]> {
  let query = db
    .selectFrom('allocations')
    .innerJoin('consumers', 'consumers.uuid', 'allocations.consumer_uuid')
    .select(({ fn }) => ['resource_class', 'consumers.type', fn.sum<number>('used').as('used')])
    .where('project_id', '=', projectId)
    .groupBy(['resource_class', 'consumers.type'])
  if (userId !== undefined) query = query.where('user_id', '=', userId)
  return (await query.execute()).map((row) => ({ ...row, used: Number(row.used) }))
}

/** How many consumers of a project (or of one user of it) have allocations, by type. */
export async function countConsumers(
  db: PlacementDb,
  projectId: string,
  userId?: string,
): Promise<Map<string, number>> {
  let query = db
    .selectFrom('consumers')
    .select(({ fn }) => ['type', fn.countAll<number>().as('count')])
    .where('project_id', '=', projectId)
    .where(({ exists, selectFrom }) =>
      exists(selectFrom('allocations').select('used').whereRef('consumer_uuid', '=', 'consumers.uuid')),
    )
    .groupBy('type')
  if (userId !== undefined) query = query.where('user_id', '=', userId)
  return new Map((await query.execute()).map((row) => [row.type, Number(row.count)]))
}
