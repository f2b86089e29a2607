import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { sql } from 'kysely'
import { openDatabase, type Database } from '../db/database.ts'
import { runStatements } from '../db/migrate.ts'
import { createLogger } from '../log/log.ts'
import { sagaTables, type SagaSchema } from './records.ts'
import { SagaRunner, type SagaKind } from './saga.ts'
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

async function setUp(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-saga-'))
  const database: Database<SagaSchema> = openDatabase(`sqlite:///${folder}/s.db`)
  t.after(async () => (await database.close(), rmSync(folder, { recursive: true })))
  await runStatements(database.db as never, 'sqlite', sagaTables)
  const runner = () => new SagaRunner<World>(database, createLogger({ name: 'test' }), [kind as SagaKind<never, World>])
  return { database, runner }
}

test('steps run in order, are noted in the timeline, and nothing is left', async (t) => {
  const { database, runner } = await setUp(t)
  const world: World = { log: [] }
  const sagas = runner()
  await sagas.resume(world)
  await sagas.start('abc', { resourceId: 'r1', requestId: 'req-1', data: {} })
  await sagas.idle()
  assert.deepEqual(world.log, ['a', 'b', 'c', 'done abc'])
  assert.deepEqual((await listEvents(database.db, 'r1')).map((event) => event.what).sort(), ['a', 'b', 'c'])
  assert.equal((await database.db.selectFrom('sagas').selectAll().execute()).length, 0)
})

test('a failed step is undone together with those before it', async (t) => {
  const { runner } = await setUp(t)
  const world: World = { log: [], failAt: 'b' }
  const sagas = runner()
  await sagas.resume(world)
  await sagas.start('abc', { resourceId: 'r1', requestId: null, data: {} })
  await sagas.idle()
  assert.deepEqual(world.log, ['a', 'undo b', 'undo a', 'failed: b broke'])
})

test('cancel unwinds a waiting saga', async (t) => {
  const { runner } = await setUp(t)
  const world: World = { log: [], hang: true }
  const sagas = runner()
  await sagas.resume(world)
  await sagas.start('abc', { resourceId: 'r1', requestId: null, data: {} })
  while (world.log.length === 0) await new Promise((resolve) => setTimeout(resolve, 1))
  await sagas.cancel('r1')
  assert.deepEqual(world.log, ['a', 'undo b', 'undo a', 'failed: the operation was cancelled'])
})

test('a new process goes on where the record ends', async (t) => {
  const { runner } = await setUp(t)
  const before: World = { log: [], hang: true }
  const dying = runner()
  await dying.resume(before)
  await dying.start('abc', { resourceId: 'r1', requestId: null, data: {} })
  while (before.log.length === 0) await new Promise((resolve) => setTimeout(resolve, 1))
  await new Promise((resolve) => setTimeout(resolve, 20))
  dying.stop()
  await dying.idle()
  const world: World = { log: [] }
  const sagas = runner()
  assert.equal(await sagas.resume(world), 1)
  await sagas.idle()
  assert.deepEqual(world.log, ['b', 'c', 'done abc'])
})

test('while the disk is full a saga waits; then it goes on, and no step counts as failed', async (t) => {
  const { database } = await setUp(t)
  const pages = async (most: string) => sql.raw(`pragma max_page_count = ${most}`).execute(database.db)
  const bulky: SagaKind<object, World> = {
    ...kind,
    steps: [{ ...step('a'), run: async () => ({ a: 'x'.repeat(100_000) }) }, step('b')],
  }
  const warned: string[] = []
  const log = { ...createLogger({ name: 'test' }), warn: (_fields: object, text: string) => void warned.push(text) }
  const sagas = new SagaRunner<World>(database, log, [bulky as SagaKind<never, World>])
  const world: World = { log: [] }
  await sagas.resume(world)
  await pages('1')
  await sagas.start('abc', { resourceId: 'r1', requestId: null, data: {} })
  while (warned.length < 2) await new Promise((resolve) => setTimeout(resolve, 1))
  assert.deepEqual(world.log, [])
  await pages('1000000')
  await sagas.idle()
  assert.deepEqual(world.log, ['b', 'done ab'])
})

test('a step that meets a database that is down runs again', async (t) => {
  const { database } = await setUp(t)
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
  const sagas = new SagaRunner<World>(database, createLogger({ name: 'test' }), [meets as SagaKind<never, World>])
  const world: World = { log: [] }
  await sagas.resume(world)
  await sagas.start('abc', { resourceId: 'r1', requestId: null, data: {} })
  await sagas.idle()
  assert.deepEqual([runs, world.log], [3, ['done ']])
})
