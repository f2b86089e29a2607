import type { Db } from '../../../platform/db/database.ts'
import { behind, type SortKey } from '../../../platform/db/keyset.ts'
import type { Flavor } from '../model/flavor.ts'
import type { ComputeSchema, FlavorTable } from './tables.ts'

export const toFlavor = (row: FlavorTable): Flavor => ({
  id: row.id,
  name: row.name,
  vcpus: row.vcpus,
  memoryMb: row.memory_mb,
  rootGb: row.root_gb,
  ephemeralGb: row.ephemeral_gb,
  swapMb: row.swap_mb,
  rxtxFactor: row.rxtx_factor,
  isPublic: Boolean(row.is_public),
  description: row.description,
  extraSpecs: JSON.parse(row.extra_specs_json) as Record<string, string>,
})

/** Who looks: admins see every flavor, others public ones and those that their project may use. */
export type FlavorViewer = { projectId: string | null; isAdmin: boolean }

export async function findFlavor(db: Db<ComputeSchema>, id: string, viewer: FlavorViewer): Promise<Flavor | undefined> {
  const row = await findFlavorRow(db, id, viewer)
  return row && toFlavor(row)
}

async function findFlavorRow(
  db: Db<ComputeSchema>,
  id: string,
  viewer: FlavorViewer,
): Promise<FlavorTable | undefined> {
  const row = await db.selectFrom('flavors').selectAll().where('id', '=', id).executeTakeFirst()
  if (!row || row.is_public || viewer.isAdmin) return row
  const isAllowed = await db
    .selectFrom('flavor_access')
    .select('project_id')
    .where('flavor_id', '=', id)
    .where('project_id', '=', viewer.projectId ?? '')
    .executeTakeFirst()
  return isAllowed && row
}

/** Part of the list of flavors; `by` is undefined where the order is that of ids alone. */
export interface FlavorPage {
  by: Exclude<keyof FlavorTable, 'extra_specs_json'> | undefined
  direction: 'asc' | 'desc'
  /** The id of the flavor that the page begins behind. */
  marker: string | undefined
  limit: number
}

/** A page of the flavors that `isPublic` (undefined: both) and the viewer allow; undefined for an unknown marker. */
export async function listFlavors(
  db: Db<ComputeSchema>,
  viewer: FlavorViewer,
  filter: { isPublic: boolean | undefined; minRam: number; minDisk: number },
  { by, direction, marker, limit }: FlavorPage,
): Promise<Flavor[] | undefined> {
  const columns: FlavorPage['by'][] = [by, 'id']
  const keys = [...new Set(columns)].flatMap((column): SortKey<NonNullable<FlavorPage['by']>>[] =>
    column === undefined ? [] : [{ column, direction }],
  )
  const after = marker === undefined ? undefined : await findFlavorRow(db, marker, viewer)
  if (marker !== undefined && !after) return undefined
  let query = db.selectFrom('flavors').selectAll()
  if (after) query = query.where(behind(keys, { ...after }))
  for (const key of keys) query = query.orderBy(key.column, key.direction)
  if (filter.minRam > 0) query = query.where('memory_mb', '>=', filter.minRam)
  if (filter.minDisk > 0) query = query.where('root_gb', '>=', filter.minDisk)
  if (!viewer.isAdmin) {
    query = query.where((where) =>
      where.or([
        where('is_public', '=', 1),
        where(
          'id',
          'in',
          where
            .selectFrom('flavor_access')
            .select('flavor_id')
            .where('project_id', '=', viewer.projectId ?? ''),
        ),
      ]),
    )
  } else if (filter.isPublic !== undefined) query = query.where('is_public', '=', Number(filter.isPublic))
  return (await query.limit(limit).execute()).map(toFlavor)
}

export async function insertFlavor(db: Db<ComputeSchema>, flavor: Flavor, now: number): Promise<void> {
  const row: FlavorTable = {
    id: flavor.id,
    name: flavor.name,
    vcpus: flavor.vcpus,
    memory_mb: flavor.memoryMb,
    root_gb: flavor.rootGb,
    ephemeral_gb: flavor.ephemeralGb,
    swap_mb: flavor.swapMb,
    rxtx_factor: flavor.rxtxFactor,
    is_public: Number(flavor.isPublic),
    description: flavor.description,
    extra_specs_json: JSON.stringify(flavor.extraSpecs),
    created_at: now,
  }
  await db.insertInto('flavors').values(row).execute()
}

export async function updateFlavor(
  db: Db<ComputeSchema>,
  id: string,
  changes: { description?: string | null; extraSpecs?: Record<string, string> },
): Promise<void> {
  const set: Partial<FlavorTable> = {}
  if (changes.description !== undefined) set.description = changes.description
  if (changes.extraSpecs) set.extra_specs_json = JSON.stringify(changes.extraSpecs)
  await db.updateTable('flavors').set(set).where('id', '=', id).execute()
}

export async function deleteFlavor(db: Db<ComputeSchema>, id: string): Promise<boolean> {
  await db.deleteFrom('flavor_access').where('flavor_id', '=', id).execute()
  return Number((await db.deleteFrom('flavors').where('id', '=', id).executeTakeFirst()).numDeletedRows) > 0
}

export async function listAccess(db: Db<ComputeSchema>, flavorId: string): Promise<string[]> {
  const rows = await db
    .selectFrom('flavor_access')
    .select('project_id')
    .where('flavor_id', '=', flavorId)
    .orderBy('project_id')
    .execute()
  return rows.map((row) => row.project_id)
}

export async function addAccess(db: Db<ComputeSchema>, flavorId: string, projectId: string): Promise<void> {
  await db.insertInto('flavor_access').values({ flavor_id: flavorId, project_id: projectId }).execute()
}

export async function removeAccess(db: Db<ComputeSchema>, flavorId: string, projectId: string): Promise<boolean> {
  const done = await db
    .deleteFrom('flavor_access')
    .where('flavor_id', '=', flavorId)
    .where('project_id', '=', projectId)
    .executeTakeFirst()
  return Number(done.numDeletedRows) > 0
}
