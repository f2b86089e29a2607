/** Copies of databases that are in use, all of one moment. */
import { chmodSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'
import { asUser } from '../host/as-user.ts'
import type { RunAs } from '../host/command.ts'

const patienceMs = 10_000

export interface DatabaseCopy {
  from: string
  to: string
}

/**
 * Copies SQLite databases beside whoever works in them. Writers wait while each of them gets a snapshot, which takes
 * milliseconds; what is copied then is what all of them held at that moment.
 */
export async function copyDatabases(copies: readonly DatabaseCopy[], user?: RunAs): Promise<void> {
  // Opened as their user: so are the files that SQLite makes beside them.
  const readers = asUser(user, () => snapshot(copies.map(({ from }) => from)))
  try {
    for (const [index, { to }] of copies.entries()) {
      mkdirSync(dirname(to), { recursive: true, mode: 0o700 })
      await backup(readers[index]!, to)
      chmodSync(to, 0o600)
    }
  } finally {
    for (const reader of readers) reader.close()
  }
}

/** Connections whose reading transactions began while nobody wrote to any of the databases. */
function snapshot(files: readonly string[]): DatabaseSync[] {
  const open = (file: string) => new DatabaseSync(file, { timeout: patienceMs })
  const locks: DatabaseSync[] = []
  const readers: DatabaseSync[] = []
  try {
    for (const file of files) locks.push(begin(open(file), 'begin immediate'))
    for (const file of files) readers.push(begin(open(file), 'begin'))
    return readers
  } catch (error) {
    for (const reader of readers) reader.close()
    throw error
  } finally {
    for (const lock of locks) lock.close()
  }
}

function begin(database: DatabaseSync, how: 'begin' | 'begin immediate'): DatabaseSync {
  database.exec(how)
  // A transaction sees the database as it is at its first read.
  database.prepare('select count(*) from sqlite_schema').get()
  return database
}

/** Throws when a file is no database or is damaged. */
export function checkDatabase(file: string): void {
  const database = new DatabaseSync(file, { readOnly: true })
  try {
    const rows = database.prepare('pragma quick_check').all() as { quick_check: string }[]
    if (rows[0]?.quick_check !== 'ok') throw new Error(`${file} is damaged: ${rows[0]?.quick_check}`)
  } finally {
    database.close()
  }
}
