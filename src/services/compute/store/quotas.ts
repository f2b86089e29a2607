import type { Database, Db } from '../../../platform/db/database.ts'
import { upsert } from '../../../platform/db/upsert.ts'
import type { ComputeSchema } from './tables.ts'

/** Where the limits of all projects without their own are kept. */
export const defaultClass = 'class:default'

/** Limits that somebody set for these owners (projects or the default class), by owner. */
export async function listLimits(
  db: Db<ComputeSchema>,
  owners: readonly string[],
): Promise<Map<string, Record<string, number>>> {
  const rows = await db.selectFrom('quotas').selectAll().where('project_id', 'in', owners).execute()
  const result = new Map<string, Record<string, number>>()
  for (const row of rows) result.set(row.project_id, { ...result.get(row.project_id), [row.resource]: row.hard_limit })
  return result
}

export async function saveLimit(
  database: Database<ComputeSchema>,
  db: Db<ComputeSchema>,
  owner: string,
  resource: string,
  limit: number,
) {
  await upsert(db, database.engine, 'quotas', ['project_id', 'resource'], {
    project_id: owner,
    resource,
    hard_limit: limit,
  })
}

export async function deleteLimits(db: Db<ComputeSchema>, owner: string): Promise<void> {
  await db.deleteFrom('quotas').where('project_id', '=', owner).execute()
}
