import { isDuplicate } from '../../../platform/db/database.ts'
import type { PlacementDb } from './providers.ts'

export const listCustomClasses = (db: PlacementDb): Promise<{ name: string; created_at: number }[]> =>
  db.selectFrom('custom_classes').selectAll().orderBy('created_at').orderBy('name').execute()

/** Those of `names` that somebody made. */
export async function findCustomClasses(
  db: PlacementDb,
  names: readonly string[],
): Promise<{ name: string; created_at: number }[]> {
  return names.length === 0 ? [] : db.selectFrom('custom_classes').selectAll().where('name', 'in', names).execute()
}

/** False when there is a class of that name. */
export async function insertClass(db: PlacementDb, name: string): Promise<boolean> {
  try {
    await db.insertInto('custom_classes').values({ name, created_at: Date.now() }).execute()
    return true
  } catch (error) {
    if (isDuplicate(error)) return false
    throw error
  }
}

export const deleteClass = async (db: PlacementDb, name: string): Promise<boolean> =>
  (await db.deleteFrom('custom_classes').where('name', '=', name).executeTakeFirst()).numDeletedRows === 1n

/** Uuids of the providers with an inventory of the class. */
export const providersWithClass = async (db: PlacementDb, name: string): Promise<string[]> =>
  (await db.selectFrom('inventories').select('provider_uuid').where('resource_class', '=', name).execute()).map(
    (row) => row.provider_uuid,
  )

/** Gives a class another name everywhere; false when that is taken. */
export async function renameClass(db: PlacementDb, from: string, to: string): Promise<boolean> {
  try {
    await db.updateTable('custom_classes').set({ name: to }).where('name', '=', from).execute()
  } catch (error) {
    if (isDuplicate(error)) return false
    throw error
  }
  for (const table of ['inventories', 'allocations'] as const) {
    await db.updateTable(table).set({ resource_class: to }).where('resource_class', '=', from).execute()
  }
  return true
}
