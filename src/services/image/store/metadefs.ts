/** Metadata definitions: namespaces with objects, properties, tags and the resource types that they are for. */
import { behind, type SortKey } from '../../../platform/db/keyset.ts'
import type { Kysely } from 'kysely'
import { isDuplicate } from '../../../platform/db/database.ts'
import type { ImageDb } from './images.ts'
import type { ImageSchema } from './tables.ts'

export type NamespaceRow = ImageSchema['metadef_namespaces']
export type AssociationRow = ImageSchema['metadef_associations']
export type ResourceTypeRow = ImageSchema['metadef_resource_types']

/** The tables of what a namespace holds by name. */
export type PartTable = 'metadef_objects' | 'metadef_properties' | 'metadef_tags'
export type PartRow<Table extends PartTable> = ImageSchema[Table]

const partTables: readonly PartTable[] = ['metadef_objects', 'metadef_properties', 'metadef_tags']

/** Kysely cannot type a table that is a parameter; all parts share these columns. */
const parts = (db: ImageDb) =>
  db as unknown as Kysely<Record<PartTable, { id: string; namespace_id: string; name: string; created_at: number }>>

/** False where a unique name is taken. */
async function unlessDuplicate(work: Promise<unknown>): Promise<boolean> {
  try {
    await work
    return true
  } catch (error) {
    if (isDuplicate(error)) return false
    throw error
  }
}

export const findNamespace = (db: ImageDb, name: string): Promise<NamespaceRow | undefined> =>
  db.selectFrom('metadef_namespaces').selectAll().where('namespace', '=', name).executeTakeFirst()

export interface Page<Column extends string> {
  sort: Column
  direction: 'asc' | 'desc'
  /** The row after which the page begins. */
  marker: Readonly<Record<Column | 'id' | 'created_at', unknown>> | undefined
  limit: number | undefined
}

export type NamespaceColumn = 'namespace' | 'display_name' | 'visibility' | 'owner' | 'created_at' | 'updated_at' | 'id'

export interface NamespaceListing extends Page<NamespaceColumn> {
  /** The caller's project; null for who sees all. */
  projectId: string | null
  visibility: string | undefined
  resourceTypes: readonly string[] | undefined
}

export async function listNamespaces(db: ImageDb, ask: NamespaceListing): Promise<NamespaceRow[]> {
  let query = db.selectFrom('metadef_namespaces').selectAll()
  if (ask.projectId !== null)
    query = query.where(({ or, eb }) => or([eb('visibility', '=', 'public'), eb('owner', '=', ask.projectId!)]))
  if (ask.visibility !== undefined) query = query.where('visibility', '=', ask.visibility as NamespaceRow['visibility'])
  if (ask.resourceTypes)
    query = query.where(
      'id',
      'in',
      db
        .selectFrom('metadef_associations')
        .select('namespace_id')
        .where('resource_type', 'in', [...ask.resourceTypes]),
    )
  const { sort, direction, marker, limit } = ask
  const keys = [sort, 'id' as const].map((column): SortKey<NamespaceColumn> => ({ column, direction }))
  if (marker) query = query.where(behind(keys, marker))
  for (const { column } of keys) query = query.orderBy(column, direction)
  return (limit === undefined ? query : query.limit(limit)).execute()
}

export const insertNamespace = (db: ImageDb, row: NamespaceRow): Promise<boolean> =>
  unlessDuplicate(db.insertInto('metadef_namespaces').values(row).execute())

export const updateNamespace = (db: ImageDb, id: string, changes: Partial<NamespaceRow>): Promise<boolean> =>
  unlessDuplicate(db.updateTable('metadef_namespaces').set(changes).where('id', '=', id).execute())

/** With everything in it. */
export async function deleteNamespace(db: ImageDb, id: string): Promise<void> {
  for (const table of partTables) await deleteParts(db, table, id)
  await db.deleteFrom('metadef_associations').where('namespace_id', '=', id).execute()
  await db.deleteFrom('metadef_namespaces').where('id', '=', id).execute()
}

export type PartColumn = 'name' | 'created_at' | 'updated_at' | 'id'

export async function listParts<Table extends PartTable>(
  db: ImageDb,
  table: Table,
  namespaceId: string,
  page: Partial<Page<PartColumn>> = {},
): Promise<PartRow<Table>[]> {
  const { sort = 'created_at', direction = 'asc', marker, limit } = page
  let query = parts(db)
    .selectFrom(table as 'metadef_tags')
    .selectAll()
    .where('namespace_id', '=', namespaceId)
  const keys = [sort as 'name', 'name' as const].map((column): SortKey<'name'> => ({ column, direction }))
  if (marker) query = query.where(behind(keys, marker))
  for (const { column } of keys) query = query.orderBy(column, direction)
  return (await (limit === undefined ? query : query.limit(limit)).execute()) as PartRow<Table>[]
}

export async function findPart<Table extends PartTable>(
  db: ImageDb,
  table: Table,
  namespaceId: string,
  name: string,
): Promise<PartRow<Table> | undefined> {
  const query = parts(db)
    .selectFrom(table as 'metadef_tags')
    .selectAll()
    .where('namespace_id', '=', namespaceId)
  return (await query.where('name', '=', name).executeTakeFirst()) as PartRow<Table> | undefined
}

export const insertPart = <Table extends PartTable>(db: ImageDb, table: Table, row: PartRow<Table>): Promise<boolean> =>
  unlessDuplicate(
    parts(db)
      .insertInto(table as 'metadef_tags')
      .values(row)
      .execute(),
  )

export const updatePart = <Table extends PartTable>(
  db: ImageDb,
  table: Table,
  id: string,
  changes: Partial<PartRow<Table>>,
): Promise<boolean> =>
  unlessDuplicate(
    parts(db)
      .updateTable(table as 'metadef_tags')
      .set(changes)
      .where('id', '=', id)
      .execute(),
  )

export const deletePart = (db: ImageDb, table: PartTable, id: string) =>
  parts(db)
    .deleteFrom(table as 'metadef_tags')
    .where('id', '=', id)
    .execute()

export const deleteParts = (db: ImageDb, table: PartTable, namespaceId: string) =>
  parts(db)
    .deleteFrom(table as 'metadef_tags')
    .where('namespace_id', '=', namespaceId)
    .execute()

/** Of one namespace or of several. */
export const listAssociations = (db: ImageDb, namespaceIds: readonly string[]): Promise<AssociationRow[]> =>
  namespaceIds.length === 0
    ? Promise.resolve([])
    : db
        .selectFrom('metadef_associations')
        .selectAll()
        .where('namespace_id', 'in', [...namespaceIds])
        .orderBy('resource_type')
        .execute()

/** Makes the resource type too where it is new. */
export async function insertAssociation(db: ImageDb, row: AssociationRow, isProtected = false): Promise<boolean> {
  const { resource_type: name, created_at, updated_at } = row
  const known = await db.selectFrom('metadef_resource_types').select('name').where('name', '=', name).executeTakeFirst()
  if (!known) {
    const type = { name, is_protected: isProtected ? 1 : 0, created_at, updated_at }
    await unlessDuplicate(db.insertInto('metadef_resource_types').values(type).execute())
  }
  return unlessDuplicate(db.insertInto('metadef_associations').values(row).execute())
}

export async function deleteAssociation(db: ImageDb, namespaceId: string, resourceType: string): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('metadef_associations')
    .where('namespace_id', '=', namespaceId)
    .where('resource_type', '=', resourceType)
    .executeTakeFirst()
  return numDeletedRows === 1n
}

export const listResourceTypes = (db: ImageDb): Promise<ResourceTypeRow[]> =>
  db.selectFrom('metadef_resource_types').selectAll().orderBy('name').execute()

/** Removes every definition, resource types included; returns the number of namespaces. */
export async function deleteAllDefinitions(tx: ImageDb): Promise<number> {
  const rows = await tx.selectFrom('metadef_namespaces').select('id').execute()
  for (const { id } of rows) await deleteNamespace(tx, id)
  await tx.deleteFrom('metadef_resource_types').execute()
  return rows.length
}
