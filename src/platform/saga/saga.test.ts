import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test, type TestContext } from 'node:test'
import { sql, type Kysely } from 'kysely'
import { openDatabase, type Database } from '../db/database.ts'
import { leasesOf, leaseTables, type Leases } from '../db/lease.ts'
import { runStatements } from '../db/migrate.ts'
import { nameDeadProcess } from '../db/testing.ts'
import { createLogger, type Logger } from '../log/log.ts'
import { sagaOwners, sagaTables, type SagaSchema } from './records.ts'
import type { SagaKind } from './kind.ts'
import { SagaRunner } from './saga.ts'
import { listEvents } from './timeline.ts'

type World = { log: string[]; failAt?: string; hang?: boolean }

const step = (name: string) => ({
  name,
  async run(_data: object, world: World, { signal }: { signal: AbortSignal }) {
    if (world.hang && name === 'b') {
      await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
    }
    if (world.failAt === name) throw new Error(`${name} broke`)
    world.log.push(name)
    return { [name]: true }
  },
  async undo(_data: object, world: World) {
    world.log.push(`undo ${name}`)
  },
})

const kind: SagaKind<object, World> = {
  kind: 'abc',
  steps: [step('a'), step('b'), step('c')],
  done: async (data, world) => void world.log.push(`done ${Object.keys(data).join('')}`),
  failed: async (_data, world, error) => void world.log.push(`failed: ${error.message}`),
}

const log = createLogger({ name: 'test' })

async function setUp(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-saga-'))
  const database: Database<SagaSchema> = openDatabase(`sqlite:///${folder}/s.db`)
  const ends: (() => Promise<void>)[] = []
  t.after(async () => {
    for (const end of ends) await end()
    await database.close()
    rmSync(folder, { recursive: true })
  })
  const plain = database.db as unknown as Kysely<never>
  await runStatements(plain, 'sqlite', sagaTables)
  await leaseTables(plain, 'sqlite')
  await sagaOwners(plain, 'sqlite')
  /** What a process of the service has; `owner` where it is to look like one of another machine. */
  const process = async (
    kinds: readonly SagaKind<object, World>[] = [kind],
    options: { owner?: string; ttlMs?: number; logger?: Logger } = {},
  ) => {
    const { logger = log, ...leasing } = options
    const leases = leasesOf(database, { log, ...leasing })
    await leases.start()
    const sagas = new SagaRunner<World>({ database, leases, log: logger, lookMs: 10 }, kinds)
    const end = async () => {
      sagas.stop()
      await sagas.idle()
      await leases.stop()
    }
    ends.push(end)
    return { sagas, leases, end }
  }
  return { database, process }
}

/** Stops without a word, as by kill -9: its lease stands, its sagas keep its name. */
function kill({ sagas, leases }: { sagas: SagaRunner<World>; leases: Leases }) {
  sagas.stop()
  leases.abandon()
}

test('steps run in order, are noted in the timeline, and nothing is left', async (t) => {
  const { database, process } = await setUp(t)
  const world: World = { log: [] }
  const { sagas } = await process()
  await sagas.resume(world)
  await sagas.start(kind, { resourceId: 'r1', requestId: 'req-1', data: {} })
  await sagas.idle()
  assert.deepEqual(world.log, ['a', 'b', 'c', 'done abc'])
  assert.deepEqual((await listEvents(database.db, 'r1')).map((event) => event.what).sort(), ['a', 'b', 'c'])
  assert.equal((await database.db.selectFrom('sagas').selectAll().execute()).length, 0)
})

test('a failed step is undone together with those before it', async (t) => {
  const { process } = await setUp(t)
  const world: World = { log: [], failAt: 'b' }
  const { sagas } = await process()
  await sagas.resume(world)
  await sagas.start(kind, { resourceId: 'r1', requestId: null, data: {} })
  await sagas.idle()
  assert.deepEqual(world.log, ['a', 'undo b', 'undo a', 'failed: b broke'])
})

test('a saga that can be seen before its creator sets it going runs once', async (t) => {
  const { database, process } = await setUp(t)
  const world: World = { log: [] }
  const { sagas } = await process()
  await sagas.resume(world)
  const go = await database.transaction((tx) => sagas.create(tx, kind, { resourceId: 'r1', requestId: null, data: {} }))
  // Several looks for sagas of the dead.
  await sleep(60)
  assert.deepEqual(world.log, [])
  go()
  go()
  await sagas.idle()
  assert.deepEqual(world.log, ['a', 'b', 'c', 'done abc'])
})

test('cancel unwinds a waiting saga', async (t) => {
  const { process } = await setUp(t)
  const world: World = { log: [], hang: true }
  const { sagas } = await process()
  await sagas.resume(world)
  await sagas.start(kind, { resourceId: 'r1', requestId: null, data: {} })
  while (world.log.length === 0) await new Promise((resolve) => setTimeout(resolve, 1))
  await sagas.cancel('r1')
  assert.deepEqual(world.log, ['a', 'undo b', 'undo a', 'failed: the operation was cancelled'])
})

test('a new process goes on where the record ends', async (t) => {
  const { process } = await setUp(t)
  const before: World = { log: [], hang: true }
  const dying = await process()
  await dying.sagas.resume(before)
  await dying.sagas.start(kind, { resourceId: 'r1', requestId: null, data: {} })
  while (before.log.length === 0) await new Promise((resolve) => setTimeout(resolve, 1))
  await new Promise((resolve) => setTimeout(resolve, 20))
  await dying.end()
  const world: World = { log: [] }
  const { sagas } = await process()
  assert.equal(await sagas.resume(world), 1)
  await sagas.idle()
  assert.deepEqual(world.log, ['b', 'c', 'done abc'])
})

test('while the disk is full a saga waits; then it goes on, and no step counts as failed', async (t) => {
  const { database, process } = await setUp(t)
  const pages = async (most: string) => sql.raw(`pragma max_page_count = ${most}`).execute(database.db)
  const bulky: SagaKind<object, World> = {
    ...kind,
    steps: [{ ...step('a'), run: async () => ({ a: 'x'.repeat(100_000) }) }, step('b')],
  }
  const warned: string[] = []
  const logger = { ...log, warn: (_fields: object, text: string) => void warned.push(text) }
  const { sagas } = await process([bulky], { logger })
  const world: World = { log: [] }
  await sagas.resume(world)
  await pages('1')
  await sagas.start(bulky, { resourceId: 'r1', requestId: null, data: {} })
  while (warned.length < 2) await new Promise((resolve) => setTimeout(resolve, 1))
  assert.deepEqual(world.log, [])
  await pages('1000000')
  await sagas.idle()
  assert.deepEqual(world.log, ['b', 'done ab'])
})

test('a step that meets a database that is down runs again', async (t) => {
  const { process } = await setUp(t)
  let runs = 0
  const meets: SagaKind<object, World> = {
    ...kind,
    steps: [
      {
        name: 'a',
        async run() {
          if (++runs < 3) throw Object.assign(new Error('gone'), { code: 'ECONNREFUSED', fatal: true })
        },
      },
    ],
  }
  const { sagas } = await process([meets])
  const world: World = { log: [] }
  await sagas.resume(world)
  await sagas.start(meets, { resourceId: 'r1', requestId: null, data: {} })
  await sagas.idle()
  assert.deepEqual([runs, world.log], [3, ['done ']])
})

test('what a process of this machine was doing when it was killed goes on at once in another', async (t) => {
  const { process } = await setUp(t)
  const before: World = { log: [], hang: true }
  const killed = await process([kind], { owner: nameDeadProcess() })
  await killed.sagas.resume(before)
  await killed.sagas.start(kind, { resourceId: 'r1', requestId: null, data: {} })
  while (before.log.length === 0) await sleep(1)
  kill(killed)
  const world: World = { log: [] }
  const { sagas } = await process()
  assert.equal(await sagas.resume(world), 1)
  await sagas.idle()
  assert.deepEqual(world.log, ['b', 'c', 'done abc'])
})

test('a saga of a living process is left alone, and taken when its lease has stood still', async (t) => {
  const { process } = await setUp(t)
  const before: World = { log: [], hang: true }
  const far = await process([kind], { owner: 'elsewhere/1/1/a', ttlMs: 60 })
  await far.sagas.resume(before)
  await far.sagas.start(kind, { resourceId: 'r1', requestId: null, data: {} })
  while (before.log.length === 0) await sleep(1)
  const world: World = { log: [] }
  const { sagas } = await process([kind], { ttlMs: 60 })
  assert.equal(await sagas.resume(world), 0)
  await sleep(200)
  assert.deepEqual(world.log, [])
  kill(far)
  while (!world.log.some((line) => line === 'done abc')) await sleep(5)
  assert.deepEqual([before.log, world.log], [['a'], ['b', 'c', 'done abc']])
})

test('a saga is cancelled by any process, and its owner undoes it', async (t) => {
  const { process } = await setUp(t)
  const world: World = { log: [], hang: true }
  const owner = await process()
  const other = await process()
  const elsewhere: World = { log: [] }
  await owner.sagas.resume(world)
  await other.sagas.resume(elsewhere)
  await owner.sagas.start(kind, { resourceId: 'r1', requestId: null, data: {} })
  while (world.log.length === 0) await sleep(1)
  assert.equal(await other.sagas.isBusy('r1'), true)
  await other.sagas.cancel('r1')
  assert.equal(await other.sagas.isBusy('r1'), false)
  assert.deepEqual([world.log, elsewhere.log], [['a', 'undo b', 'undo a', 'failed: the operation was cancelled'], []])
})

test('who was suspended and lost its sagas records nothing more', async (t) => {
  const { database, process } = await setUp(t)
  let release = (): void => undefined
  const gate = new Promise<void>((resolve) => (release = resolve))
  const slow: SagaKind<object, World> = {
    kind: 'slow',
    steps: [{ name: 'a', run: async (_data, world) => (world.log.push('a'), await gate, { late: true }) }, step('b')],
    done: async (_data, world) => void world.log.push('done'),
  }
  const world: World = { log: [] }
  const suspended = await process([slow])
  await suspended.sagas.resume(world)
  await suspended.sagas.start(slow, { resourceId: 'r1', requestId: null, data: {} })
  while (world.log.length === 0) await sleep(1)
  await database.db.updateTable('sagas').set({ owner: 'elsewhere/1/1/a' }).execute()
  await database.db
    .insertInto('leases')
    .values({ name: 'process/elsewhere/1/1/a', owner: 'elsewhere/1/1/a', generation: 1 })
    .execute()
  release()
  await suspended.sagas.idle()
  const row = await database.db.selectFrom('sagas').selectAll().executeTakeFirstOrThrow()
  assert.deepEqual([world.log, Number(row.step), row.data], [['a'], 0, '{}'])
})
