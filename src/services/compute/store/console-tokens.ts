import type { Db } from '../../../platform/db/database.ts'
import type { ComputeSchema } from './tables.ts'

/** Ends every console token of a server: what they were for is over. */
export async function deleteConsoleTokens(db: Db<ComputeSchema>, serverId: string): Promise<void> {
  await db.deleteFrom('console_tokens').where('server_id', '=', serverId).execute()
}
