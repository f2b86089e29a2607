import { isDuplicate, type Db } from '../../../platform/db/database.ts'
import type { PlacementSchema } from './tables.ts'

export type PlacementDb = Db<PlacementSchema>
export type Provider = PlacementSchema['providers']
export type Inventory = PlacementSchema['inventories']

export const findProvider = (db: PlacementDb, uuid: string): Promise<Provider | undefined> =>
  db.selectFrom('providers').selectAll().where('uuid', '=', uuid).executeTakeFirst()

/** All providers, or those of one tree. */
export const listProviders = (db: PlacementDb, root?: string): Promise<Provider[]> => {
  const query = db.selectFrom('providers').selectAll().orderBy('name')
  return (root === undefined ? query : query.where('root_uuid', '=', root)).execute()
}

/** False when name or uuid is taken. */
export async function insertProvider(db: PlacementDb, provider: Provider): Promise<boolean> {
  try {
    await db.insertInto('providers').values(provider).execute()
    return true
  } catch (error) {
    if (isDuplicate(error)) return false
    throw error
  }
}

/** Compare-and-swap of the generation; false when it was not `generation` any more. */
export async function raiseGeneration(db: PlacementDb, uuid: string, generation: number): Promise<boolean> {
  const result = await db
    .updateTable('providers')
    .set({ generation: generation + 1, updated_at: Date.now() })
    .where('uuid', '=', uuid)
    .where('generation', '=', generation)
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

export const listInventories = (db: PlacementDb, uuids?: readonly string[]): Promise<Inventory[]> => {
  const query = db.selectFrom('inventories').selectAll()
  return (uuids === undefined ? query : query.where('provider_uuid', 'in', [...uuids])).execute()
}

/** What is used, by provider and class. */
export async function listUsage(
  db: PlacementDb,
  uuids?: readonly string[],
): Promise<{ provider_uuid: string; resource_class: string; used: number }[]> {
  let query = db
    .selectFrom('allocations')
    .select(({ fn }) => ['provider_uuid', 'resource_class', fn.sum<number>('used').as('used')])
    .groupBy(['provider_uuid', 'resource_class'])
  if (uuids !== undefined) query = query.where('provider_uuid', 'in', [...uuids])
  return (await query.execute()).map((row) => ({ ...row, used: Number(row.used) }))
}

export async function traitsOf(db: PlacementDb, uuid: string): Promise<string[]> {
  const rows = await db
    .selectFrom('provider_traits')
    .select('trait')
    .where('provider_uuid', '=', uuid)
    .orderBy('trait')
    .execute()
  return rows.map((row) => row.trait)
}

export async function aggregatesOf(db: PlacementDb, uuid: string): Promise<string[]> {
  const rows = await db
    .selectFrom('provider_aggregates')
    .select('aggregate_uuid')
    .where('provider_uuid', '=', uuid)
    .execute()
  return rows.map((row) => row.aggregate_uuid).sort()
}
