import { findRow, insertRow, type IdentityDb, type Row } from './rows.ts'

export type Consumer = Row<'consumers'>
export type RequestToken = Row<'request_tokens'>
export type AccessToken = Row<'access_tokens'>

/** Removes a consumer with every token that it holds. */
export async function removeConsumer(tx: IdentityDb, id: string): Promise<void> {
  await tx.deleteFrom('request_tokens').where('consumer_id', '=', id).execute()
  await tx.deleteFrom('access_tokens').where('consumer_id', '=', id).execute()
  await tx.deleteFrom('consumers').where('id', '=', id).execute()
}

/** Turns a request token into an access token; false when it was used meanwhile. */
export async function exchangeToken(tx: IdentityDb, request: RequestToken, access: AccessToken): Promise<boolean> {
  const removed = await tx.deleteFrom('request_tokens').where('id', '=', request.id).executeTakeFirst()
  return removed.numDeletedRows > 0n && insertRow(tx, 'access_tokens', access)
}

export const listAccessTokens = (db: IdentityDb, userId: string): Promise<AccessToken[]> =>
  db.selectFrom('access_tokens').selectAll().where('authorizing_user_id', '=', userId).orderBy('id').execute()

/** An access token that can still be used. */
export async function findAccessToken(db: IdentityDb, id: string): Promise<AccessToken | undefined> {
  const row = await findRow(db, 'access_tokens', { id })
  return row && (row.expires_at === null || Number(row.expires_at) > Date.now()) ? row : undefined
}

export async function forgetExpiredRequestTokens(db: IdentityDb): Promise<void> {
  await db.deleteFrom('request_tokens').where('expires_at', '<', Date.now()).execute()
}
