import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { sql } from 'kysely'
import { isDatabaseDown, isDuplicate, openDatabase } from './database.ts'
import { migrate, runStatements } from './migrate.ts'
import { isQueryTooLarge } from './query-size.ts'
import { StatementCache } from './statement-cache.ts'
import { upsert } from './upsert.ts'

interface Schema {
  things: { id: string; generation: number }
}

const migrations = [
  {
    name: '0001-things',
    up: (db: never, engine: 'sqlite' | 'mysql') =>
      runStatements(
        db,
        engine,
        'create table if not exists things (id varchar(64) primary key, generation bigint not null);\n',
      ),
  },
]

test('P13: a database and its journals are their owner’s alone, also one that was not', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-mode-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'deep', 'x.db')
  for (const isOld of [false, true]) {
    if (isOld) chmodSync(file, 0o644)
    const database = openDatabase<{ x: { id: number } }>(`sqlite:///${file}`)
    await sql`create table if not exists x (id integer)`.execute(database.db)
    for (const name of ['x.db', 'x.db-wal', 'x.db-shm'])
      assert.equal(statSync(join(folder, 'deep', name)).mode & 0o777, 0o600, `${name}, old: ${isOld}`)
    await database.close()
  }
  assert.equal(statSync(join(folder, 'deep')).mode & 0o777, 0o700)
})

test('transactions queue, roll back on errors and are invisible until committed', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-db-'))
  const database = openDatabase<Schema>(`sqlite:///${folder}/a.db`)
  t.after(async () => (await database.close(), rmSync(folder, { recursive: true })))
  assert.deepEqual(await migrate(database, migrations), ['0001-things'])
  assert.deepEqual(await migrate(database, migrations), [])
  const count = async () => (await database.db.selectFrom('things').selectAll().execute()).length
  await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      database.transaction(async (tx) => {
        await tx
          .insertInto('things')
          .values({ id: `t${index}`, generation: 0 })
          .execute()
        await new Promise((resolve) => setImmediate(resolve))
        await tx.updateTable('things').set({ generation: 1 }).where('id', '=', `t${index}`).execute()
      }),
    ),
  )
  assert.equal(await count(), 20)
  await assert.rejects(
    database.transaction(async (tx) => {
      await tx.insertInto('things').values({ id: 'lost', generation: 0 }).execute()
      assert.equal(await count(), 20)
      throw new Error('no')
    }),
  )
  assert.equal(await count(), 20)
  await assert.rejects(database.db.insertInto('things').values({ id: 't0', generation: 0 }).execute(), isDuplicate)
  await upsert(database.db, database.engine, 'things', ['id'], { id: 't0', generation: 9 })
  const row = await database.db.selectFrom('things').selectAll().where('id', '=', 't0').executeTakeFirstOrThrow()
  assert.equal(row.generation, 9)
  const swap = await database.db
    .updateTable('things')
    .set({ generation: 1 })
    .where('generation', '=', 5)
    .executeTakeFirst()
  assert.equal(swap.numUpdatedRows, 0n)
})

test('two processes write to one file: each waits for the other without standing still', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-db-'))
  const [a, b] = [1, 2].map(() => openDatabase<Schema>(`sqlite:///${folder}/a.db`))
  t.after(async () => (await a!.close(), await b!.close(), rmSync(folder, { recursive: true })))
  await migrate(a!, migrations)
  const add = (database: typeof a, id: string) =>
    database!.transaction(async (tx) => {
      await tx.insertInto('things').values({ id, generation: 0 }).execute()
      // The lock is held while the other one tries.
      await new Promise((resolve) => setTimeout(resolve, 1))
    })
  const numbers = Array.from({ length: 30 }, (_, index) => index)
  await Promise.all(numbers.map((number) => add(number % 2 ? a : b, `t${number}`)))
  await Promise.all([
    a!.transaction(async (tx) => {
      await tx.updateTable('things').set({ generation: 1 }).execute()
      await new Promise((resolve) => setTimeout(resolve, 20))
    }),
    b!.db.insertInto('things').values({ id: 'alone', generation: 0 }).execute(),
  ])
  assert.equal((await b!.db.selectFrom('things').selectAll().execute()).length, 31)
})

test('P16: a list of any length is one text, and finds what values one by one find', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-db-'))
  const texts = new Set<string>()
  const database = openDatabase<Schema>(`sqlite:///${folder}/a.db`, {
    onQuery: ({ query }) => void texts.add(query.sql),
  })
  t.after(async () => (await database.close(), rmSync(folder, { recursive: true })))
  await migrate(database, migrations)
  const ids = ['a', "it's", '"q"', '\\', 'é\u2028', '💥', 'a\nb', '', '1', 'null', 'x\u0000y']
  for (const [generation, id] of ids.entries())
    await database.db.insertInto('things').values({ id, generation }).execute()
  texts.clear()
  const others = Array.from({ length: 100_000 }, (_, index) => `other ${index}`)
  for (const count of [4, 5, 100, 33_000, 100_000]) {
    const list = [...ids, ...others.slice(0, count)]
    const found = await database.db.selectFrom('things').select('id').where('id', 'in', list).execute()
    assert.deepEqual(new Set(found.map((row) => row.id)), new Set(ids))
    const rest = await database.db.selectFrom('things').select('id').where('id', 'not in', list.slice(2)).execute()
    assert.deepEqual(new Set(rest.map((row) => row.id)), new Set(ids.slice(0, 2)))
  }
  assert.equal(texts.size, 2)
  const numbers = await database.db
    .selectFrom('things')
    .select('id')
    .where('generation', 'in', [0, 1, 2, 99, 1.5])
    .execute()
  assert.deepEqual(new Set(numbers.map((row) => row.id)), new Set(ids.slice(0, 3)))
  const none = await database.db.selectFrom('things').select('id').where('id', 'in', []).execute()
  assert.deepEqual(none, [])
  const changed = await database.db
    .updateTable('things')
    .set({ generation: 9 })
    .where('id', 'in', ids)
    .executeTakeFirst()
  assert.equal(changed.numUpdatedRows, BigInt(ids.length))
})

test('P5: more conditions than an engine takes are told from other errors', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-db-'))
  const database = openDatabase<Schema>(`sqlite:///${folder}/a.db`)
  t.after(async () => (await database.close(), rmSync(folder, { recursive: true })))
  await migrate(database, migrations)
  const ids = (count: number) => Array.from({ length: count }, (_, index) => `i${index}`)
  const all = (count: number) => {
    let query = database.db.selectFrom('things').selectAll()
    for (const id of ids(count)) query = query.where('id', '=', id)
    return query.execute()
  }
  const any = (count: number) =>
    database.db
      .selectFrom('things')
      .selectAll()
      .where(({ or, eb }) => or(ids(count).map((id) => eb('id', '=', id))))
      .execute()
  for (const ask of [all, any]) {
    assert.deepEqual(await ask(800), [])
    for (const count of [1000, 7000, 20_000]) await assert.rejects(ask(count), isQueryTooLarge)
  }
  await assert.rejects(sql`select 1 where 'x' like ${`%${'x'.repeat(60_000)}`}`.execute(database.db), isQueryTooLarge)
  await assert.rejects(sql`select nothing`.execute(database.db), (error) => !isQueryTooLarge(error))
})

test('P16: prepared statements are bounded by their number and by their texts; those in use stay', () => {
  const db = new DatabaseSync(':memory:')
  const cache = new StatementCache(db)
  const first = cache.prepare('select 0')
  for (let index = 1; index <= 3000; index++) {
    cache.prepare(`select ${index}`)
    assert.equal(cache.prepare('select 0'), first)
  }
  assert.ok(cache.size.statements <= 500)
  for (let index = 0; index < 300; index++) cache.prepare(`select ${index} in (${'1, '.repeat(2000)}1)`)
  assert.ok(cache.size.text <= 1 << 20, `${cache.size.text} characters`)
  const before = cache.size
  cache.prepare(`select 1 in (${'1, '.repeat(20_000)}1)`)
  assert.deepEqual(cache.size, before, 'one that is too long is not kept')
  cache.clear()
  assert.deepEqual(cache.size, { statements: 0, text: 0 })
  db.close()
})

/** A database whose log comes to the disk when the test says so. */
async function withHeldLog(t: TestContext, isDurable = true) {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-db-'))
  const held: PromiseWithResolvers<void>[] = []
  let isHeld = false
  let syncs = 0
  const sync = async () => {
    syncs++
    if (!isHeld) return
    const one = Promise.withResolvers<void>()
    held.push(one)
    await one.promise
  }
  const database = openDatabase<Schema>(`sqlite:///${folder}/a.db`, { isDurable, sync })
  t.after(async () => {
    isHeld = false
    for (const each of held) each.resolve()
    await database.close()
    rmSync(folder, { recursive: true })
  })
  await migrate(database, migrations)
  syncs = 0
  isHeld = true
  const insert = (id: string) =>
    database.transaction((tx) => tx.insertInto('things').values({ id, generation: 0 }).execute())
  return { database, held, insert, count: () => syncs }
}
const turn = () => new Promise((resolve) => setTimeout(resolve, 10))

test('a commit is acknowledged when the log is on the disk, and keeps no other writer or reader waiting', async (t) => {
  const { database, held, insert, count } = await withHeldLog(t)
  const done: string[] = []
  const note = (id: string) => insert(id).then(() => done.push(id))
  const first = note('first')
  await turn()
  const later = Array.from({ length: 20 }, (_, n) => note(`later${n}`))
  const single = database.db.updateTable('things').set({ generation: 5 }).where('id', '=', 'first').execute()
  await turn()
  assert.equal((await database.db.selectFrom('things').selectAll().execute()).length, 21)
  assert.deepEqual([done, count()], [[], 1])
  held[0]!.resolve()
  await first
  await turn()
  // One more serves all who came meanwhile, and none of them before it is over.
  assert.deepEqual([done, count()], [['first'], 2])
  held[1]!.resolve()
  await Promise.all([...later, single])
  assert.equal(count(), 2)
})

test('what writes nothing waits for no disk; nor does anything where that is configured', async (t) => {
  const { database, count } = await withHeldLog(t)
  await database.transaction((tx) => tx.selectFrom('things').selectAll().execute())
  await database.db.updateTable('things').set({ generation: 1 }).where('id', '=', 'nobody').execute()
  assert.equal(count(), 0)
  // What is found out anew after a power cut does not wait, and is there.
  await database.relaxed
    .transaction()
    .execute((tx) => tx.insertInto('things').values({ id: 'r', generation: 0 }).execute())
  await database.relaxed.updateTable('things').set({ generation: 1 }).where('id', '=', 'r').execute()
  assert.deepEqual([count(), (await database.db.selectFrom('things').selectAll().execute()).length], [0, 1])
  const loose = await withHeldLog(t, false)
  await loose.insert('a')
  assert.equal(loose.count(), 0)
})

test('a log that does not come to the disk fails those who wait as a database that is down, and the next ones try again', async (t) => {
  const { held, insert } = await withHeldLog(t)
  const first = insert('first')
  await turn()
  const second = insert('second')
  held[0]!.reject(Object.assign(new Error('i/o error'), { code: 'EIO' }))
  await assert.rejects(first, isDatabaseDown)
  await turn()
  held[1]!.resolve()
  await second
})
