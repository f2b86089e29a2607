import type { Selectable } from 'kysely'
import { isDuplicate, type Db } from '../../../platform/db/database.ts'
import type { PlacementSchema, ProviderRow } from './tables.ts'

export type PlacementDb = Db<PlacementSchema>

const toProvider = (row: Selectable<ProviderRow>): ProviderRow => ({
  ...row,
  generation: Number(row.generation),
  created_at: Number(row.created_at),
  updated_at: Number(row.updated_at),
})

export async function findProvider(db: PlacementDb, uuid: string): Promise<ProviderRow | undefined> {
  const row = await db.selectFrom('providers').selectAll().where('uuid', '=', uuid).executeTakeFirst()
  return row && toProvider(row)
}

export const findProviders = async (db: PlacementDb, uuids: readonly string[]): Promise<ProviderRow[]> =>
  uuids.length === 0
    ? []
    : (await db.selectFrom('providers').selectAll().where('uuid', 'in', uuids).execute()).map(toProvider)

/** The providers of a tree. */
export const listTree = async (db: PlacementDb, root: string): Promise<ProviderRow[]> =>
  (await db.selectFrom('providers').selectAll().where('root_uuid', '=', root).execute()).map(toProvider)

/** What of name and uuid is taken. */
export const listClashes = (db: PlacementDb, uuid: string, name: string): Promise<{ uuid: string; name: string }[]> =>
  db
    .selectFrom('providers')
    .select(['uuid', 'name'])
    .where(({ eb, or }) => or([eb('uuid', '=', uuid), eb('name', '=', name)]))
    .execute()

/** False when name or uuid is taken. */
export async function insertProvider(db: PlacementDb, provider: ProviderRow): Promise<boolean> {
  try {
    await db.insertInto('providers').values(provider).execute()
    return true
  } catch (error) {
    if (isDuplicate(error)) return false
    throw error
  }
}

/** False when the name is taken. */
export async function updateProvider(
  db: PlacementDb,
  uuid: string,
  values: Partial<Pick<ProviderRow, 'name' | 'parent_uuid' | 'updated_at'>>,
): Promise<boolean> {
  try {
    await db.updateTable('providers').set(values).where('uuid', '=', uuid).execute()
    return true
  } catch (error) {
    if (isDuplicate(error)) return false
    throw error
  }
}

export async function setRoot(db: PlacementDb, uuids: readonly string[], root: string): Promise<void> {
  await db.updateTable('providers').set({ root_uuid: root }).where('uuid', 'in', uuids).execute()
}

/** Removes a provider with its inventories, traits and aggregates; false when there is none. */
export async function deleteProvider(db: PlacementDb, uuid: string): Promise<boolean> {
  for (const table of ['inventories', 'provider_traits', 'provider_aggregates'] as const) {
    await db.deleteFrom(table).where('provider_uuid', '=', uuid).execute()
  }
  return (await db.deleteFrom('providers').where('uuid', '=', uuid).executeTakeFirst()).numDeletedRows === 1n
}

export const hasChildren = async (db: PlacementDb, uuid: string): Promise<boolean> =>
  (await db.selectFrom('providers').select('uuid').where('parent_uuid', '=', uuid).executeTakeFirst()) !== undefined

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

/**
 * Raises the generations whatever they were. Being a write, it also keeps other transactions away from these providers
 * until the end of this one. Gives how many of them exist.
 */
export async function raiseGenerations(db: PlacementDb, uuids: readonly string[]): Promise<number> {
  if (uuids.length === 0) return 0
  const result = await db
    .updateTable('providers')
    .set(({ eb }) => ({ generation: eb('generation', '+', 1), updated_at: Date.now() }))
    .where('uuid', 'in', uuids)
    .executeTakeFirst()
  return Number(result.numUpdatedRows)
}

/** Keeps other transactions from writing to these providers until the end of this one: SQLite has no `for update`. */
export async function lockProviders(db: PlacementDb, uuids: readonly string[]): Promise<void> {
  if (uuids.length === 0) return
  await db
    .updateTable('providers')
    .set(({ ref }) => ({ generation: ref('generation') }))
    .where('uuid', 'in', uuids)
    .execute()
}

export async function aggregatesOf(db: PlacementDb, uuid: string): Promise<string[]> {
  const rows = await db
    .selectFrom('provider_aggregates')
    .select('aggregate_uuid')
    .where('provider_uuid', '=', uuid)
    .orderBy('aggregate_uuid')
    .execute()
  return rows.map((row) => row.aggregate_uuid)
}

export async function setAggregates(db: PlacementDb, uuid: string, aggregates: readonly string[]): Promise<void> {
  await db.deleteFrom('provider_aggregates').where('provider_uuid', '=', uuid).execute()
  const rows = aggregates.map((aggregate) => ({ provider_uuid: uuid, aggregate_uuid: aggregate }))
  if (rows.length > 0) await db.insertInto('provider_aggregates').values(rows).execute()
}
