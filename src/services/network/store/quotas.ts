import type { Database } from '../../../platform/db/database.ts'
import { upsert } from '../../../platform/db/upsert.ts'
import type { NetworkDb, NetworkSchema } from './tables.ts'
import type { OwnedTable } from './rows.ts'

/** How many a project has. */
export async function countOwned(db: NetworkDb, table: OwnedTable, projectId: string): Promise<number> {
  const { count } = await db
    .selectFrom(table)
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('project_id', '=', projectId)
    .executeTakeFirstOrThrow()
  return Number(count)
}

export const saveQuota = ({ db, engine }: Database<NetworkSchema>, quota: NetworkSchema['quotas']): Promise<void> =>
  upsert(db, engine, 'quotas', ['project_id', 'resource'], quota)
