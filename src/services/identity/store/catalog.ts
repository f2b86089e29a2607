/** Regions and what the catalog is made of. */
import type { IdentityDb, Row } from './rows.ts'

/** A region's children and theirs, without itself. */
export async function regionsBelow(db: IdentityDb, id: string): Promise<string[]> {
  const found = new Set<string>()
  for (let level = [id]; level.length > 0;) {
    const rows = await db.selectFrom('regions').select('id').where('parent_region_id', 'in', level).execute()
    level = rows.map((row) => row.id).filter((each) => each !== id && !found.has(each))
    for (const each of level) found.add(each)
  }
  return [...found]
}

/** A region's parents, nearest first; ends where the tree would bite its tail. */
export async function regionsAbove(db: IdentityDb, id: string): Promise<string[]> {
  const found: string[] = []
  for (let at: string | null = id; at !== null;) {
    const row: { parent_region_id: string | null } | undefined = await db
      .selectFrom('regions')
      .select('parent_region_id')
      .where('id', '=', at)
      .executeTakeFirst()
    at = row?.parent_region_id ?? null
    if (at !== null && (found.includes(at) || at === id)) break
    if (at !== null) found.push(at)
  }
  return found
}

export async function hasEndpointsIn(db: IdentityDb, regionIds: readonly string[]): Promise<boolean> {
  const row = await db
    .selectFrom('endpoints')
    .select('id')
    .where('region_id', 'in', [...regionIds])
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/** Removes regions with the associations and the limits that are theirs. */
export async function deleteRegions(tx: IdentityDb, ids: readonly string[]): Promise<void> {
  for (const table of ['policy_associations', 'limits', 'registered_limits'] as const)
    await tx
      .deleteFrom(table)
      .where('region_id', 'in', [...ids])
      .execute()
  await tx
    .deleteFrom('regions')
    .where('id', 'in', [...ids])
    .execute()
}

/** Removes endpoints with what refers to them. */
export async function deleteEndpoints(tx: IdentityDb, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  const list = [...ids]
  await tx.deleteFrom('project_endpoints').where('endpoint_id', 'in', list).execute()
  await tx.deleteFrom('policy_associations').where('endpoint_id', 'in', list).execute()
  await tx.deleteFrom('endpoints').where('id', 'in', list).execute()
}

/** Removes a service with its endpoints and associations. */
export async function deleteService(tx: IdentityDb, id: string): Promise<void> {
  const endpoints = await tx.selectFrom('endpoints').select('id').where('service_id', '=', id).execute()
  await deleteEndpoints(
    tx,
    endpoints.map((row) => row.id),
  )
  await tx.deleteFrom('policy_associations').where('service_id', '=', id).execute()
  await tx.deleteFrom('services').where('id', '=', id).execute()
}

/** Everything that catalogs are computed from. */
export interface CatalogFacts {
  services: Row<'services'>[]
  endpoints: Row<'endpoints'>[]
  groups: Row<'endpoint_groups'>[]
  projectEndpoints: Row<'project_endpoints'>[]
  projectGroups: Row<'project_endpoint_groups'>[]
}

export async function readCatalog(db: IdentityDb): Promise<CatalogFacts> {
  const [services, endpoints, groups, projectEndpoints, projectGroups] = await Promise.all([
    db.selectFrom('services').selectAll().where('enabled', '=', 1).orderBy('type').orderBy('id').execute(),
    db.selectFrom('endpoints').selectAll().where('enabled', '=', 1).orderBy('id').execute(),
    db.selectFrom('endpoint_groups').selectAll().execute(),
    db.selectFrom('project_endpoints').selectAll().execute(),
    db.selectFrom('project_endpoint_groups').selectAll().execute(),
  ])
  return { services, endpoints, groups, projectEndpoints, projectGroups }
}
