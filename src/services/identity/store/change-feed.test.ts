/** No change is missed, whoever tells it when, and whoever dies before. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { waitFor } from '../../../base/wait.ts'
import { openDatabase, type Database } from '../../../platform/db/database.ts'
import { migrate } from '../../../platform/db/migrate.ts'
import { testDatabaseUrl } from '../../../platform/db/testing.ts'
import { migrations } from '../open.ts'
import { ChangeFeed } from './change-feed.ts'
import type { IdentitySchema } from './tables.ts'

const quick = { lookMs: 2, dropAnywayMs: 3_600_000 }

async function setUp(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-changes-'))
  const database = openDatabase<IdentitySchema>(await testDatabaseUrl(folder, 'identity'))
  await migrate(database, migrations)
  t.after(async () => (await database.close(), rmSync(folder, { recursive: true })))
  return {
    database,
    /** A process; `drops` is how often it dropped what it keeps. */
    async start(times = quick, on: Database<IdentitySchema> = database) {
      const state = { drops: 0 }
      const feed = new ChangeFeed(on, () => void state.drops++, times)
      await feed.start()
      t.after(() => feed.stop())
      return { feed, state }
    },
  }
}

const until = (what: string, condition: () => boolean) => waitFor(condition, { what, timeoutMs: 20_000, intervalMs: 1 })

/** As another process does it. */
const tell = (database: Database<IdentitySchema>) =>
  database.db
    .updateTable('changes')
    .set((row) => ({ count: row('count', '+', 1) }))
    .execute()

test('of changes that two processes tell at the same time neither misses the other’s', async (t) => {
  const { database, start } = await setUp(t)
  const { feed, state } = await start()
  const told = async () => (await database.db.selectFrom('changes').selectAll().execute()).length > 0
  await waitFor(told, { what: 'there is something to be raised', timeoutMs: 20_000 })
  for (let round = 0; round < 30; round++) {
    // Both begin within one look of this process, in an order that differs from round to round.
    feed.changed()
    await new Promise((resolve) => setTimeout(resolve, 48 + (round % 5)))
    const before = state.drops
    await tell(database)
    await until(`round ${round}`, () => state.drops > before)
  }
})

test('a change is told when the database takes writes again', async (t) => {
  const { database, start } = await setUp(t)
  let isFull = true
  const failing: Database<IdentitySchema> = {
    ...database,
    transaction: (work) => (isFull ? Promise.reject(new Error('the disk is full')) : database.transaction(work)),
  }
  const told = async () => (await database.db.selectFrom('changes').selectAll().execute()).length
  const { feed } = await start(quick, failing)
  feed.changed()
  await new Promise((resolve) => setTimeout(resolve, 80))
  assert.equal(await told(), 0)
  isFull = false
  await waitFor(async () => (await told()) > 0, { what: 'it is told', timeoutMs: 20_000 })
})

test('what a killed process did not tell is heard of when it comes back, and otherwise in time', async (t) => {
  const { start } = await setUp(t)
  const { state } = await start()
  const before = state.drops
  await start()
  await until('the start of another is heard of', () => state.drops > before)
  const alone = await start({ lookMs: 2, dropAnywayMs: 20 })
  const twice = alone.state.drops + 2
  await until('it drops what it keeps anyway', () => alone.state.drops >= twice)
})
