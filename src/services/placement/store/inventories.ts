import { compareClasses } from '../model/standard-classes.ts'
import { isDuplicate } from '../../../platform/db/database.ts'
import type { PlacementDb } from './providers.ts'
import type { InventoryRow } from './tables.ts'

/** Inventories of these providers, classes in their order. */
export async function listInventories(db: PlacementDb, uuids: readonly string[]): Promise<InventoryRow[]> {
  if (uuids.length === 0) return []
  const rows = await db.selectFrom('inventories').selectAll().where('provider_uuid', 'in', uuids).execute()
  return rows.map(toInventory).sort((a, b) => compareClasses(a.resource_class, b.resource_class))
}

/** Numbers as numbers: MariaDB's driver gives some as text. */
export const toInventory = (row: InventoryRow): InventoryRow => ({
  ...row,
  total: Number(row.total),
  reserved: Number(row.reserved),
  min_unit: Number(row.min_unit),
  max_unit: Number(row.max_unit),
  step_size: Number(row.step_size),
  allocation_ratio: Number(row.allocation_ratio),
  updated_at: Number(row.updated_at),
})

/** False when the provider has an inventory of the class. */
export async function insertInventories(db: PlacementDb, rows: readonly InventoryRow[]): Promise<boolean> {
  if (rows.length === 0) return true
  try {
    await db.insertInto('inventories').values(rows).execute()
    return true
  } catch (error) {
    if (isDuplicate(error)) return false
    throw error
  }
}

/** False when the provider has no inventory of the class. */
export async function updateInventory(db: PlacementDb, row: InventoryRow): Promise<boolean> {
  const { provider_uuid, resource_class, ...values } = row
  const result = await db
    .updateTable('inventories')
    .set(values)
    .where('provider_uuid', '=', provider_uuid)
    .where('resource_class', '=', resource_class)
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

/** Removes the inventories of these classes; gives how many there were. */
export async function deleteInventories(db: PlacementDb, uuid: string, classes: readonly string[]): Promise<number> {
  if (classes.length === 0) return 0
  const result = await db
    .deleteFrom('inventories')
    .where('provider_uuid', '=', uuid)
    .where('resource_class', 'in', classes)
    .executeTakeFirst()
  return Number(result.numDeletedRows)
}
