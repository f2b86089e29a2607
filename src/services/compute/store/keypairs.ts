import type { Db } from '../../../platform/db/database.ts'
import type { ComputeSchema, KeypairTable } from './tables.ts'

export interface Keypair {
  userId: string
  name: string
  seq: number
  type: string
  publicKey: string
  fingerprint: string
  createdAt: number
}

const toKeypair = (row: KeypairTable): Keypair => ({
  userId: row.user_id,
  name: row.name,
  seq: Number(row.seq),
  type: row.type,
  publicKey: row.public_key,
  fingerprint: row.fingerprint,
  createdAt: Number(row.created_at),
})

export async function findKeypair(db: Db<ComputeSchema>, userId: string, name: string): Promise<Keypair | undefined> {
  const row = await db
    .selectFrom('keypairs')
    .selectAll()
    .where('user_id', '=', userId)
    .where('name', '=', name)
    .executeTakeFirst()
  return row && toKeypair(row)
}

/** Those of a user by name; `limit` of them behind the one that is called `after`. */
export async function listKeypairs(
  db: Db<ComputeSchema>,
  userId: string,
  { after, limit }: { after?: string | undefined; limit?: number } = {},
): Promise<Keypair[]> {
  let query = db.selectFrom('keypairs').selectAll().where('user_id', '=', userId).orderBy('name')
  if (after !== undefined) query = query.where('name', '>', after)
  if (limit !== undefined) query = query.limit(limit)
  return (await query.execute()).map(toKeypair)
}

export async function countKeypairs(db: Db<ComputeSchema>, userId: string): Promise<number> {
  const { count } = await db
    .selectFrom('keypairs')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('user_id', '=', userId)
    .executeTakeFirstOrThrow()
  return Number(count)
}

export async function insertKeypair(db: Db<ComputeSchema>, keypair: Omit<Keypair, 'seq'>): Promise<void> {
  const top = await db
    .selectFrom('keypairs')
    .select((select) => select.fn.max('seq').as('top'))
    .executeTakeFirst()
  const row: KeypairTable = {
    user_id: keypair.userId,
    name: keypair.name,
    seq: Number(top?.top ?? 0) + 1,
    type: keypair.type,
    public_key: keypair.publicKey,
    fingerprint: keypair.fingerprint,
    created_at: keypair.createdAt,
  }
  await db.insertInto('keypairs').values(row).execute()
}

export async function deleteKeypair(db: Db<ComputeSchema>, userId: string, name: string): Promise<boolean> {
  const done = await db.deleteFrom('keypairs').where('user_id', '=', userId).where('name', '=', name).executeTakeFirst()
  return Number(done.numDeletedRows) > 0
}
