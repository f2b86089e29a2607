/** MariaDB does not roll DDL back: a step that was cut after any statement runs again; of several processes one does it. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openDatabase } from '../../src/platform/db/database.ts'
import { migrate } from '../../src/platform/db/migrate.ts'
import { countRows, describe, migrateWithCuts, schemas } from '../contract/migrations.ts'
import { Mariadb, noMariadb } from '../mariadb.ts'

let mariadb: Mariadb | undefined

before(async () => {
  if (!noMariadb) mariadb = await Mariadb.start()
})
after(() => mariadb?.remove())

async function emptyDatabase(name: string) {
  await mariadb!.run(`create database ${name}`)
  return openDatabase<object>(`${mariadb!.url}/${name}`)
}

for (const [service, migrations] of Object.entries(schemas)) {
  test(`${service}: cut anywhere, the schema becomes the same`, { skip: noMariadb || false }, async () => {
    const whole = await emptyDatabase(`${service}_whole`)
    const cut = await emptyDatabase(`${service}_cut`)
    await migrate(whole, migrations)
    assert.ok((await migrateWithCuts(cut, migrations)) > 10)
    assert.deepEqual(await describe(cut), await describe(whole))
    assert.deepEqual(await countRows(cut), await countRows(whole))
    await Promise.all([whole.close(), cut.close()])
  })
}

test('processes that start at once wait for each other', { skip: noMariadb || false }, async () => {
  const first = await emptyDatabase('at_once')
  const others = [1, 2].map(() => openDatabase<object>(`${mariadb!.url}/at_once`))
  const migrations = schemas['network']!
  const ran = (await Promise.all([first, ...others].map((database) => migrate(database, migrations)))).flat()
  assert.deepEqual(ran.sort(), migrations.map(({ name }) => name).sort())
  for (const database of [first, ...others]) await database.close()
})
