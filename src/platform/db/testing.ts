/** Where a test keeps its database. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { sql } from 'kysely'
import { openDatabase } from './database.ts'

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
