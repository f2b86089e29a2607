/** Epochs: one for each start of neutron-server. */
import type { NetworkDb, NetworkSchema } from './tables.ts'

export async function newestEpoch(db: NetworkDb): Promise<{ id: string; seq: number } | undefined> {
  const row = await db.selectFrom('epochs').select(['id', 'seq']).orderBy('seq', 'desc').limit(1).executeTakeFirst()
  return row && { id: row.id, seq: Number(row.seq) }
}

/** Rejects where another process has begun the same one: `isDuplicate` tells. */
export async function insertEpoch(tx: NetworkDb, epoch: NetworkSchema['epochs']): Promise<void> {
  await tx.insertInto('epochs').values(epoch).execute()
}

export async function forgetEpochsUpTo(tx: NetworkDb, seq: number): Promise<void> {
  await tx.deleteFrom('epochs').where('seq', '<=', seq).execute()
}

/** The revision at which an epoch ended, which the next one began with; undefined while it lasts. */
export async function endOfEpoch(db: NetworkDb, seq: number): Promise<number | undefined> {
  const next = await db.selectFrom('epochs').select('began_at').where('seq', '>', seq).orderBy('seq').executeTakeFirst()
  return next && Number(next.began_at)
}
