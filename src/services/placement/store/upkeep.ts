/** Rows that a release before this one, or a copy by hand, left incomplete. */
import type { PlacementDb } from './providers.ts'
import type { ProviderRow } from './tables.ts'

/** Providers whose root is not there. */
const rootless = (db: PlacementDb) =>
  db
    .selectFrom('providers')
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('providers as roots').select('roots.uuid').whereRef('roots.uuid', '=', 'providers.root_uuid'),
        ),
      ),
    )

export async function countRootless(db: PlacementDb): Promise<number> {
  const row = await rootless(db)
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirst()
  return Number(row?.count ?? 0)
}

export const listRootless = (db: PlacementDb, limit: number): Promise<Pick<ProviderRow, 'uuid' | 'parent_uuid'>[]> =>
  rootless(db).select(['uuid', 'parent_uuid']).orderBy('uuid').limit(limit).execute()

/** Consumers that have allocations and no record. */
const incomplete = (db: PlacementDb) =>
  db
    .selectFrom('allocations')
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('consumers').select('uuid').whereRef('uuid', '=', 'allocations.consumer_uuid'))),
    )

export async function countIncompleteConsumers(db: PlacementDb): Promise<number> {
  const row = await incomplete(db)
    .select(({ fn }) => fn.count<number>('consumer_uuid').distinct().as('count'))
    .executeTakeFirst()
  return Number(row?.count ?? 0)
}

export async function listIncompleteConsumers(db: PlacementDb, limit: number): Promise<string[]> {
  const rows = await incomplete(db).select('consumer_uuid').distinct().orderBy('consumer_uuid').limit(limit).execute()
  return rows.map((row) => row.consumer_uuid)
}
