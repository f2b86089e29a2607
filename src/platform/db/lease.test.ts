import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test, type TestContext } from 'node:test'
import type { Kysely } from 'kysely'
import { waitFor } from '../../base/wait.ts'
import { createLogger } from '../log/log.ts'
import { openDatabase, type Database } from './database.ts'
import { leasesOf, leaseTables, type LeaseSchema } from './lease.ts'
import { isProvedDead, nameProcess } from './process-identity.ts'
import { testDatabaseUrl } from './testing.ts'

const log = createLogger({ name: 'test' })

async function setUp(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-lease-'))
  const database: Database<LeaseSchema> = openDatabase(await testDatabaseUrl(folder, 'leases'))
  await leaseTables(database.db as unknown as Kysely<never>, database.engine)
  t.after(async () => (await database.close(), rmSync(folder, { recursive: true })))
  return {
    database,
    /** Leases of a process whose clock the test holds; its renewals are the test's, too, unless it is started. */
    process: (name: string, clock: { ms: number } = { ms: 0 }) =>
      leasesOf(database, { log, owner: `elsewhere/1/1/${name}`, ttlMs: 1000, now: () => clock.ms }),
  }
}

test('a lease is one process’s until that gives it up', async (t) => {
  const { process } = await setUp(t)
  const [a, b] = [process('a'), process('b')]
  await a.start()
  await b.start()
  assert.deepEqual([await a.acquire('x'), await a.acquire('x'), await b.acquire('x')], [true, true, false])
  await b.release('x')
  assert.equal(await b.acquire('x'), false, 'nobody gives up what is another’s')
  await a.release('x')
  assert.equal(await b.acquire('x'), true)
  await b.stop()
  assert.equal(await a.acquire('x'), true)
  await a.stop()
})

test('a lease that stands still for its time, by the watcher’s clock, is taken by one of the watchers', async (t) => {
  const { process } = await setUp(t)
  const clock = { ms: 0 }
  const dead = process('dead')
  await dead.start()
  await dead.acquire('x')
  dead.abandon()
  const watchers = ['b', 'c'].map((name) => process(name, clock))
  for (const each of watchers) await each.start()
  const tryAll = () => Promise.all(watchers.map((each) => each.acquire('x')))
  assert.deepEqual(await tryAll(), [false, false])
  clock.ms = 999
  assert.deepEqual(await tryAll(), [false, false])
  clock.ms = 1000
  const [first, second] = await tryAll()
  assert.equal(Number(first) + Number(second), 1)
  for (const each of watchers) await each.stop()
})

test('a process that could not renew takes itself for dead first', async (t) => {
  const { process } = await setUp(t)
  const clock = { ms: 0 }
  const mine = process('a', clock)
  await mine.start()
  let losses = 0
  mine.onLost(() => losses++)
  assert.equal(mine.isHeld(), true)
  clock.ms = 1000
  assert.equal(mine.isHeld(), false)
  await waitFor(() => losses === 1 && mine.isHeld(), { what: 'another renewal', timeoutMs: 10_000 })
  await mine.stop()
  assert.equal(losses, 1)
})

test('work of one name is done by one caller at a time, in the order of one process', async (t) => {
  const { process, database } = await setUp(t)
  const [a, b] = [process('a'), process('b')]
  await a.start()
  await b.start()
  let inside = 0
  const order: string[] = []
  const work = (name: string) => async () => {
    assert.equal(++inside, 1)
    await sleep(2)
    order.push(name)
    inside--
  }
  await Promise.all([
    ...[1, 2, 3].map((n) => a.exclusively('x', work(`a${n}`))),
    ...[1, 2, 3].map((n) => b.exclusively('x', work(`b${n}`))),
    assert.rejects(
      a.exclusively('x', () => Promise.reject(new Error('broke'))),
      /broke/,
    ),
  ])
  assert.deepEqual(
    order.filter((name) => name.startsWith('a')),
    ['a1', 'a2', 'a3'],
  )
  assert.equal(order.length, 6)
  assert.deepEqual(await database.db.selectFrom('leases').select('name').where('name', '=', 'x').execute(), [])
  await a.stop()
  await b.stop()
})

test('a process is proved dead on its own machine only, and never while it lives', () => {
  const mine = nameProcess()
  const [machine, pid, start, rest] = mine.split('/')
  assert.equal(isProvedDead(mine), false)
  assert.equal(isProvedDead([machine, pid, Number(start) - 1, rest].join('/')), true, 'its pid was given again')
  assert.equal(isProvedDead([machine, '4194999', start, rest].join('/')), true)
  assert.equal(isProvedDead(['0123456789ab', '4194999', start, rest].join('/')), false)
  assert.equal(isProvedDead('nonsense'), false)
})
