import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test, type TestContext } from 'node:test'
import type { Kysely } from 'kysely'
import { openDatabase, type Database } from '../db/database.ts'
import { leasesOf, leaseTables } from '../db/lease.ts'
import { testDatabaseUrl } from '../db/testing.ts'
import { createLogger } from '../log/log.ts'
import { periodicIntervals, periodicTables, startPeriodics, type PeriodicSchema } from './periodic.ts'

const log = { ...createLogger({ name: 'test' }), warn: () => undefined }

async function setUp(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-periodic-'))
  const database: Database<PeriodicSchema> = openDatabase(await testDatabaseUrl(folder, 'periodics'))
  const plain = database.db as unknown as Kysely<never>
  await leaseTables(plain, database.engine)
  await periodicTables(plain, database.engine)
  await periodicIntervals(plain, database.engine)
  t.after(async () => (await database.close(), rmSync(folder, { recursive: true })))
  return {
    database,
    async process(owner: string) {
      const leases = leasesOf(database, { log, owner })
      await leases.start()
      return { database, leases, log }
    },
  }
}

test('one process at a time does the work, and another when it has gone', async (t) => {
  const { process } = await setUp(t)
  const done: string[] = []
  const start = async (name: string) => {
    const env = await process(name)
    const stop = startPeriodics(env, [{ name: 'work', everyMs: 2, run: async () => void done.push(name) }])
    return async () => (await stop(), await env.leases.stop())
  }
  const stopFirst = await start('first')
  while (done.length === 0) await sleep(2)
  const stopSecond = await start('second')
  await sleep(30)
  assert.deepEqual([...new Set(done)], ['first'])
  await stopFirst()
  while (!done.includes('second')) await sleep(2)
  await stopSecond()
})

test('what is for each process is done in all of them', async (t) => {
  const { process } = await setUp(t)
  const done = new Set<string>()
  const stops = []
  for (const name of ['a', 'b']) {
    const env = await process(name)
    const stop = startPeriodics(env, [{ name: 'beat', everyMs: 2, isForEach: true, run: async () => done.add(name) }])
    stops.push(async () => (await stop(), await env.leases.stop()))
  }
  while (done.size < 2) await sleep(2)
  for (const stop of stops) await stop()
})

test('how it went last is in the database, and a failure ends nothing', async (t) => {
  const { database, process } = await setUp(t)
  const env = await process('a')
  let rounds = 0
  const run = async () => {
    if (++rounds === 1) throw new Error('the cellar is flooded')
  }
  const last = () => database.db.selectFrom('periodics').selectAll().executeTakeFirst()
  const stop = startPeriodics(env, [{ name: 'work', everyMs: 20, run }])
  while (!(await last())) await sleep(2)
  assert.equal((await last())!.error, 'the cellar is flooded')
  while ((await last())!.error !== null) await sleep(2)
  assert.ok(rounds >= 2)
  await stop()
  await env.leases.stop()
})
