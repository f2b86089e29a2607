/** Credentials by the key that they are encrypted with. */
import type { IdentityDb, Row } from './rows.ts'

type Credential = Row<'credentials'>

/** Credentials that are encrypted with another key. */
export const staleCredentials = (db: IdentityDb, keyHash: string): Promise<Credential[]> =>
  db.selectFrom('credentials').selectAll().where('key_hash', '!=', keyHash).execute()

export async function countStaleCredentials(db: IdentityDb, keyHash: string): Promise<number> {
  const { count } = await db
    .selectFrom('credentials')
    .select((each) => each.fn.countAll<number>().as('count'))
    .where('key_hash', '!=', keyHash)
    .executeTakeFirstOrThrow()
  return Number(count)
}

/** Encrypts a credential anew; false where it is not the one that was read any more: that change has encrypted it. */
export async function reencrypt(
  db: IdentityDb,
  { id, encrypted_blob }: Credential,
  encrypted: Pick<Credential, 'encrypted_blob' | 'key_hash'>,
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('credentials')
    .set(encrypted)
    .where('id', '=', id)
    .where('encrypted_blob', '=', encrypted_blob)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}
