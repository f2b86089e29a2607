/** Where a test keeps its database. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { sql } from 'kysely'
import { openDatabase } from './database.ts'
import { nameProcess } from './process-identity.ts'

/** Whether the tests run on a database server instead of on SQLite. */
export const onServer = process.env['NEPHOS_TEST_MYSQL'] !== undefined

/**
 * The URL of the database `name` of a test with this folder: a file in it, or one of its own on the server that
 * NEPHOS_TEST_MYSQL names (mysql+pymysql://user:password@host:port), which may make databases.
 */
export async function testDatabaseUrl(folder: string, name: string): Promise<string> {
  const server = process.env['NEPHOS_TEST_MYSQL']
  if (server === undefined) return `sqlite:///${join(folder, `${name}.db`)}`
  const own = `${name}_${createHash('md5').update(folder).digest('hex')}`
  const { db, close } = openDatabase<object>(`${server}/mysql`)
  await sql.raw(`create database if not exists ${own}`).execute(db)
  await close()
  return `${server}/${own}`
}

/** A name for a service that is to be taken for killed as soon as another looks: that of a process that has ended. */
export function nameDeadProcess(): string {
  const [machine, , start, random] = nameProcess().split('/')
  return [machine, spawnSync('true').pid, start, random].join('/')
}
