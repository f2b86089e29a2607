import type { Db } from '../../../platform/db/database.ts'
import type { ComputeSchema, ConsoleTokenTable } from './tables.ts'

export async function insertConsoleToken(db: Db<ComputeSchema>, row: ConsoleTokenTable): Promise<void> {
  await db.insertInto('console_tokens').values(row).execute()
}

export const findConsoleToken = (db: Db<ComputeSchema>, hash: string): Promise<ConsoleTokenTable | undefined> =>
  db.selectFrom('console_tokens').selectAll().where('token_hash', '=', hash).executeTakeFirst()

export async function deleteExpiredConsoleTokens(db: Db<ComputeSchema>, now: number): Promise<void> {
  await db.deleteFrom('console_tokens').where('expires_at', '<', now).execute()
}

/** Ends every console token of a server: what they were for is over. */
export async function deleteConsoleTokens(db: Db<ComputeSchema>, serverId: string): Promise<void> {
  await db.deleteFrom('console_tokens').where('server_id', '=', serverId).execute()
}
