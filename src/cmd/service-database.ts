import { existsSync } from 'node:fs'
import { readOption } from '../platform/config/config.ts'
import { option } from '../platform/config/options.ts'
import { openDatabase, type Database } from '../platform/db/database.ts'
import { codeNameOf, configFilesOf, databaseFileOf, databaseUrlOf } from '../deployment/service-files.ts'

const connectionOption = option.string('database', 'connection', '', 'SQLAlchemy URL of the database.')

/** What a question of a service's database answers, also while the service is down; undefined when there is none. */
export async function askDatabase<Schema, T>(
  stateDir: string,
  type: string,
  question: (database: Database<Schema>) => Promise<T>,
): Promise<T | undefined> {
  const connection = readOption(codeNameOf(type), connectionOption, configFilesOf(stateDir, type))
  if (connection === '' && !existsSync(databaseFileOf(stateDir, type))) return undefined
  const database = openDatabase<Schema>(connection || databaseUrlOf(stateDir, type))
  try {
    return await question(database)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`the database of ${type} cannot be read: ${reason}`, { cause })
  } finally {
    await database.close()
  }
}
