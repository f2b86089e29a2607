import { orTaken } from '../../../platform/db/rows.ts'
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { sql } from 'kysely'
import { openDatabase } from '../../../platform/db/database.ts'
import { migrate } from '../../../platform/db/migrate.ts'
import { testDatabaseUrl } from '../../../platform/db/testing.ts'
import { migrations } from '../open.ts'
import { describeKept, keptNames } from './names.ts'
import { newProject, newUser } from './new-rows.ts'
import { findRow, insertRow, listRows, updateRow } from './rows.ts'
import type { IdentitySchema } from './tables.ts'

const last = migrations.findIndex(({ name }) => name === '0007-name-keys')

async function open(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-names-'))
  const database = openDatabase<IdentitySchema>(await testDatabaseUrl(folder, 'identity'))
  t.after(async () => {
    await database.close()
    rmSync(folder, { recursive: true })
  })
  return database
}

test('names that differ only by case from before are kept, found by their exact name, and told', async (t) => {
  const database = await open(t)
  const { db } = database
  await migrate(database, migrations.slice(0, last))
  const before = [
    newProject({ id: 'd1', name: 'One' }),
    newProject({ id: 'a', name: 'Demo', domain_id: 'd1' }),
    newProject({ id: 'b', name: 'demo', domain_id: 'd1' }),
    newProject({ id: 'c', name: 'DEMO', domain_id: 'd1' }),
    newProject({ id: 'd', name: 'Demo', domain_id: 'd2' }),
    newProject({ id: 'e', name: 'DEMO', domain_id: 'd2' }),
    newProject({ id: 'f', name: 'Ünder', domain_id: 'd2' }),
  ]
  await db.insertInto('projects').values(before).execute()
  const applied = await migrate(database, migrations)
  assert.ok(applied.includes('0007-name-keys'))
  await migrations[last]!.up(db as never, database.engine) // as after a cut before it was recorded
  const idOf = async (name: string, domain_id: string) => (await findRow(db, 'projects', { name, domain_id }))?.id
  const found = { 'd1 demo': 'b', 'd1 Demo': 'a', 'd1 DEMO': 'c', 'd1 dEmO': 'b', 'd2 demo': 'd', 'd2 DEMO': 'e' }
  for (const [asked, id] of Object.entries({ ...found, 'd2 Demo': 'd', 'd2 dEMO': 'd', 'd2 ÜNDER': 'f' })) {
    const [domain, name] = asked.split(' ')
    assert.equal(await idOf(name!, domain!), id, asked)
    const listed = await listRows(db, 'projects', { domain_id: domain, name })
    assert.deepEqual(
      listed.map((row) => row.id),
      [id],
      asked,
    )
  }
  assert.equal(await idOf('one', ''), 'd1')
  assert.equal(await idOf('other', 'd1'), undefined)
  const kept = await keptNames(db)
  assert.deepEqual(
    kept.map(({ id, name }) => [id, name]),
    [
      ['a', 'Demo'],
      ['c', 'DEMO'],
      ['e', 'DEMO'],
    ],
  )
  assert.match(describeKept(kept[0]!), /projects.*'Demo' \(a\)/)
  assert.equal(await updateRow(db, 'projects', 'c', { name: 'DEMO', description: 'x' }), true, 'its own name')
  assert.equal(await idOf('DEMO', 'd1'), 'c')
  assert.equal(await updateRow(db, 'projects', 'd', { name: 'DeMo' }), true, 'another case of its own name')
  assert.equal(await orTaken(updateRow(db, 'projects', 'c', { name: 'dEMO' })), 'taken')
  assert.equal(await updateRow(db, 'projects', 'c', { name: 'Third' }), true)
  assert.equal(await idOf('third', 'd1'), 'c')
  assert.equal(await insertRow(db, 'projects', newProject({ name: 'THIRD', domain_id: 'd1' })), false)
  assert.equal(await insertRow(db, 'projects', newProject({ name: 'THIRD', domain_id: 'd2' })), true)
})

test('many names get their keys, whatever their letters', async (t) => {
  const database = await open(t)
  const { db } = database
  await migrate(database, migrations.slice(0, last))
  const names = ['Łódź', 'ΑΒΓ', 'İstanbul', 'ＡＢＣ', 'plain', "O'Brien", 'Ærø']
  await db
    .insertInto('users')
    .values(names.map((name) => newUser({ name, domain_id: 'd' })))
    .execute()
  await migrate(database, migrations)
  const { rows } = await sql<{ name: string; name_key: string }>`select name, name_key from users`.execute(db)
  for (const { name, name_key } of rows) assert.equal(name_key, name.toLowerCase())
  for (const name of names)
    assert.equal((await findRow(db, 'users', { name: name.toUpperCase().toLowerCase(), domain_id: 'd' }))?.name, name)
})
