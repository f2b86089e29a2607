import type { Db, Engine } from './database.ts'
import { upsert } from './upsert.ts'

/** The table behind the locks. */
export interface LockSchema {
  quota_locks: { project_id: string; at: number }
}

/** For migrations; what is in it means nothing, so that an older form of it may go. */
export const lockTable = `drop table if exists quota_locks;
create table if not exists quota_locks (project_id varchar(255) primary key, at bigint not null);`

/**
 * Holds everyone else who reads what a project or a user has, to change it, back until the transaction ends: without it
 * two transactions count the same and both add. SQLite has one writer anyway.
 */
export async function lockOwner<Schema extends LockSchema>(
  { engine }: { engine: Engine },
  tx: Db<Schema>,
  ownerId: string,
): Promise<void> {
  if (engine === 'sqlite') return
  // Kysely does not see that a schema with more tables has this one.
  const locks = tx as unknown as Db<LockSchema>
  await upsert(locks, engine, 'quota_locks', ['project_id'], { project_id: ownerId, at: Date.now() })
}
