import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { sql, type Kysely, type SqlBool } from 'kysely'
import { openDatabase } from './database.ts'
import { runStatements } from './migrate.ts'
import { orTaken, rowsOf } from './rows.ts'
import { testDatabaseUrl } from './testing.ts'

interface Schema {
  things: { id: string; kind: string; name: string; size: number | null }
}

async function open(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-rows-'))
  const database = openDatabase<Schema>(await testDatabaseUrl(folder, 'rows'))
  t.after(async () => (await database.close(), rmSync(folder, { recursive: true })))
  const table = `create table if not exists things (
    id varchar(8) primary key, kind varchar(8) not null, name varchar(8) not null unique, size integer);\n`
  await runStatements(database.db as unknown as Kysely<never>, database.engine, table)
  return database
}

const ids = (rows: readonly { id: string }[]) => rows.map(({ id }) => id)

test('rows are found by values, by any of a list and by null, again and again with other values', async (t) => {
  const { db } = await open(t)
  const { listRows, findRow, insertRow } = rowsOf<Schema>({ orderOf: () => ['id'] })
  const all = ['a', 'b', 'c', 'd'].map((id, at) => ({ id, kind: at < 2 ? 'x' : 'y', name: `n${id}`, size: at || null }))
  for (const row of all.toReversed()) assert.equal(await insertRow(db, 'things', row), true)
  assert.equal(await insertRow(db, 'things', { ...all[0]!, id: 'e' }), false, 'its name is taken')
  assert.deepEqual(
    (await listRows(db, 'things')).map((row) => ({ ...row })),
    all,
  )
  for (const kind of ['x', 'y', 'x'])
    assert.deepEqual(ids(await listRows(db, 'things', { kind })), kind === 'x' ? ['a', 'b'] : ['c', 'd'])
  for (const list of [['a', 'd'], ['b', 'c'], ['b'], ['a', 'b', 'd']])
    assert.deepEqual(ids(await listRows(db, 'things', { id: list })), list)
  assert.deepEqual(ids(await listRows(db, 'things', { size: null })), ['a'])
  assert.deepEqual(ids(await listRows(db, 'things', { kind: 'y', size: 2 })), ['c'])
  assert.deepEqual(ids(await listRows(db, 'things', { size: 2, kind: 'x' })), [])
  assert.deepEqual(ids(await listRows(db, 'things', { kind: 'x' }, 1)), ['a'])
  assert.deepEqual(await listRows(db, 'things', { id: [] }), [])
  const many = Array.from({ length: 20_001 }, (_, at) => `${at}`)
  assert.deepEqual(ids(await listRows(db, 'things', { id: [...many, 'c'] })), ['c'])
  assert.equal((await findRow(db, 'things', { name: 'nb' }))?.id, 'b')
  await assert.rejects(findRow(db, 'things', { name: undefined }), /no value for name/)
})

test('changes and deletions say what they met; a transaction sees its own', async (t) => {
  const { db, transaction } = await open(t)
  const { findRow, insertRow, updateRow, deleteRows } = rowsOf<Schema>()
  for (const id of ['a', 'b', 'c']) await insertRow(db, 'things', { id, kind: 'x', name: id, size: null })
  assert.equal(await updateRow(db, 'things', 'a', { size: 1 }), true)
  assert.equal(await updateRow(db, 'things', 'z', { size: 1 }), false)
  assert.equal(await orTaken(updateRow(db, 'things', 'a', { name: 'b' })), 'taken')
  await assert.rejects(updateRow(db, 'things', 'a', { name: 'b' }))
  const gone = transaction(async (tx) => {
    await updateRow(tx, 'things', 'b', { size: 7, kind: 'y' })
    assert.equal((await findRow(tx, 'things', { id: 'b' }))?.size, 7)
    throw new Error('undone')
  })
  await assert.rejects(gone, /undone/)
  assert.equal((await findRow(db, 'things', { id: 'b' }))?.kind, 'x')
  assert.equal(await deleteRows(db, 'things', { id: ['a', 'b', 'q'] }), 2)
  assert.equal(await deleteRows(db, 'things', { id: [] }), 0)
})

test('a column compared in its own way, what goes with a row, and who follows writes', async (t) => {
  const { db } = await open(t)
  const noted: [object | undefined, object | undefined][] = []
  const { findRow, insertRow, updateRow, deleteRows } = rowsOf<Schema>({
    equals: (_table, column, value) =>
      column === 'name' ? sql<SqlBool>`lower(name) = ${String(value).toLowerCase()}` : undefined,
    written: (_table, values, isNew) => (isNew ? values : { size: sql`coalesce(size, 0) + 1`, ...values }),
    journal: {
      follows: (_table, columns) => columns === undefined || columns.includes('kind'),
      note: async (_db, _table, before, after) => void noted.push([before && { ...before }, after && { ...after }]),
    },
  })
  const row = { id: 'a', kind: 'x', name: 'Abc', size: null }
  await insertRow(db, 'things', row)
  for (const name of ['abc', 'ABC']) assert.equal((await findRow(db, 'things', { name }))?.id, 'a')
  await updateRow(db, 'things', 'a', { name: 'Other' })
  await updateRow(db, 'things', 'a', { kind: 'y' })
  const now = { id: 'a', kind: 'y', name: 'Other', size: 2 }
  assert.deepEqual({ ...(await findRow(db, 'things', { id: 'a' })) }, now)
  await deleteRows(db, 'things', { id: 'a' })
  assert.deepEqual(noted, [
    [undefined, row],
    [
      { ...now, kind: 'x', size: 1 },
      { ...now, size: 1 },
    ],
    [now, undefined],
  ])
})
