import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sagaTables } from '../saga/records.ts'
import { forgetEvents, recordEvents, timelineByTime, type TimelineSchema } from '../saga/timeline.ts'
import { openDatabase } from './database.ts'
import { migrate, runStatements } from './migrate.ts'
import { purgeOlderThan } from './purge.ts'
import { testDatabaseUrl } from './testing.ts'

async function timelineOf(t: TestContext, times: readonly number[]) {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-purge-'))
  const database = openDatabase<TimelineSchema>(await testDatabaseUrl(folder, 'purge'))
  t.after(async () => (await database.close(), rmSync(folder, { recursive: true })))
  await migrate(database, [{ name: '1', up: (db, engine) => runStatements(db, engine, sagaTables + timelineByTime) }])
  const event = { resourceId: 'r', requestId: null, what: 'w', outcome: 'info' } as const
  await recordEvents(
    database.db,
    times.map((at) => ({ ...event, at })),
  )
  const left = async () =>
    (await database.db.selectFrom('timeline').select('at').orderBy('at').execute()).map(({ at }) => Number(at))
  return { database, left }
}

const day = 86_400_000

test('old lines go in small batches, lines of one moment together, and what is young enough stays', async (t) => {
  const now = 1000 * day
  const times = [...Array.from({ length: 25 }, (_, n) => n + 1), 30, 30, 30, 30, 30, now - day, now]
  const { database, left } = await timelineOf(t, times)
  const batches: number[] = []
  const removed = await purgeOlderThan(
    1,
    async (before, most) => {
      const count = await forgetEvents(database, before, most)
      batches.push(count)
      return count
    },
    { now, most: 8, pauseMs: 0 },
  )
  assert.deepEqual(await left(), [now - day, now])
  assert.deepEqual([removed, batches], [30, [8, 8, 8, 6]])
})

test('zero days keep everything', async (t) => {
  const { database, left } = await timelineOf(t, [1, 2])
  assert.equal(await purgeOlderThan(0, (...old) => forgetEvents(database, ...old)), 0)
  assert.deepEqual(await left(), [1, 2])
})
