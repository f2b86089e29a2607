/** What placement-manage's and placement-status' commands stand on. */
import { mkdirSync } from 'node:fs'
import type { ManageEnv } from '../../../platform/manage/command.ts'
import { loadConfig } from '../../../platform/config/config.ts'
import { openDatabase, type Database } from '../../../platform/db/database.ts'
import { options } from '../config.ts'
import type { PlacementSettings } from '../deps.ts'
import type { PlacementSchema } from '../store/tables.ts'

export type IncompleteConsumer = Pick<PlacementSettings, 'incompleteProject' | 'incompleteUser'>

/** Works on the database as it is; nothing is migrated. */
export async function withDatabase<T>(
  env: ManageEnv,
  work: (database: Database<PlacementSchema>, settings: IncompleteConsumer) => Promise<T>,
): Promise<T> {
  const config = loadConfig('placement', options, env.configFiles)
  mkdirSync(env.stateDir, { recursive: true, mode: 0o700 })
  const database = openDatabase<PlacementSchema>(config.connection || env.databaseUrl, {
    isDurable: config.sqliteSynchronous,
  })
  try {
    return await work(database, config)
  } finally {
    await database.close()
  }
}
