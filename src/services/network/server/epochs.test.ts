import assert from 'node:assert/strict'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { openDatabase, type Database } from '../../../platform/db/database.ts'
import { migrate } from '../../../platform/db/migrate.ts'
import { initial } from '../store/migrations/0001-initial.ts'
import { epochs } from '../store/migrations/0006-epochs.ts'
import type { NetworkSchema } from '../store/tables.ts'
import { beginEpoch, currentEpoch, succeeds } from './epochs.ts'
import { raiseRevision, readRevision } from '../store/revisions.ts'

function folder(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'ne-'))
  t.after(() => rmSync(dir, { recursive: true }))
  return dir
}

/** A neutron-server starts on this file. */
async function start(file: string): Promise<Database<NetworkSchema>> {
  const database = openDatabase<NetworkSchema>(`sqlite:///${file}`)
  await migrate(database, [initial, epochs])
  await beginEpoch(database)
  return database
}

async function work(database: Database<NetworkSchema>, changes: number) {
  for (let i = 0; i < changes; i++) await database.transaction((tx) => raiseRevision(tx, database.engine))
  const revision = await readRevision(database.db)
  return { epoch: await currentEpoch(database.db), revision }
}

test('a database succeeds itself over starts, however far it goes', async (t) => {
  const file = join(folder(t), 'a.db')
  let database = await start(file)
  const known = await work(database, 3)
  assert.equal(await succeeds(database.db, known), true)
  for (let i = 0; i < 3; i++) {
    await database.close()
    database = await start(file)
    await work(database, 2)
    assert.equal(await succeeds(database.db, known), true)
  }
  await database.close()
})

test('an older copy is told from its successor, also of the same epoch and when it has gone further', async (t) => {
  const dir = folder(t)
  const file = join(dir, 'a.db')
  let database = await start(file)
  const atBackup = await work(database, 3)
  await database.close()
  copyFileSync(file, join(dir, 'backup.db'))
  database = await start(file)
  const later = await work(database, 1)
  await database.close()

  const restored = await start(join(dir, 'backup.db'))
  await work(restored, 50)
  assert.equal(await succeeds(restored.db, atBackup), true, 'who knew no more than the backup loses nothing')
  assert.equal(await succeeds(restored.db, later), false, 'its epoch is missing')
  const sameEpoch = { epoch: atBackup.epoch, revision: atBackup.revision + 1 }
  assert.equal(await succeeds(restored.db, sameEpoch), false, 'its epoch ended before')
  await restored.close()
})

test('another or an empty database succeeds nothing', async (t) => {
  const dir = folder(t)
  const [one, two] = [await start(join(dir, 'a.db')), await start(join(dir, 'b.db'))]
  assert.equal(await succeeds(two.db, await work(one, 0)), false)
  for (const database of [one, two]) await database.close()
})
