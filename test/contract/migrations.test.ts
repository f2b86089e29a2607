/** Schemas of released versions stay what they were, and a step that was cut runs again. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openDatabase } from '../../src/platform/db/database.ts'
import { migrate } from '../../src/platform/db/migrate.ts'
import { countRows, describe, migrateWithCuts, schemas } from './migrations.ts'

const fingerprintFile = join(import.meta.dirname, 'migrations.fingerprints.json')

/** Of every step: a hash of what it says to an empty database, and of its own words. */
async function fingerprints(): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const [service, migrations] of Object.entries(schemas)) {
    let said: string[] = []
    const database = openDatabase<object>('sqlite://', { onQuery: ({ query }) => void said.push(query.sql) })
    for (const [index, migration] of migrations.entries()) {
      said = []
      await migrate(database, migrations.slice(0, index + 1))
      const statements = said.filter((text) => !/^(select|with|begin|commit)\b|schema_migrations/i.test(text))
      const words = migration.up.toString().replace(/\s+/g, ' ')
      const hash = createHash('sha256')
        .update([words, ...statements].join('\n'))
        .digest('hex')
      found[`${service} ${migration.name}`] = hash.slice(0, 32)
    }
    await database.close()
  }
  return found
}

test('a step of a schema that has landed is not edited any more', async () => {
  const now = await fingerprints()
  if (process.env['NEPHOS_NEW_MIGRATIONS'] !== undefined) {
    const kept = JSON.parse(readFileSync(fingerprintFile, 'utf8')) as object
    writeFileSync(fingerprintFile, `${JSON.stringify({ ...now, ...kept }, null, 2)}\n`)
  }
  const landed = JSON.parse(readFileSync(fingerprintFile, 'utf8')) as Record<string, string>
  for (const [name, fingerprint] of Object.entries(landed))
    assert.equal(
      now[name],
      fingerprint,
      `${name} has changed: databases have it as it was. Undo that, and write a new step`,
    )
  assert.deepEqual(
    Object.keys(now).filter((name) => !Object.hasOwn(landed, name)),
    [],
    'new steps: add them with NEPHOS_NEW_MIGRATIONS=1 node --test test/contract/migrations.test.ts',
  )
})

for (const [service, migrations] of Object.entries(schemas)) {
  test(`${service}: a step that was cut after any statement runs again, to the same schema`, async () => {
    const errors: unknown[] = []
    const whole = openDatabase<object>('sqlite://', {
      onQuery: (event) =>
        void (event.level === 'error' && /already|duplicate/.test(String(event.error)) && errors.push(event.error)),
    })
    const cut = openDatabase<object>('sqlite://')
    await migrate(whole, migrations)
    assert.deepEqual(errors, [], 'nothing is there twice in a straight run')
    assert.ok((await migrateWithCuts(cut, migrations)) > 10)
    assert.deepEqual(await describe(cut), await describe(whole))
    assert.deepEqual(await countRows(cut), await countRows(whole))
    await Promise.all([whole.close(), cut.close()])
  })
}

test('a step on SQLite is done wholly or not at all', async () => {
  const database = openDatabase<object>('sqlite://')
  const [initial] = schemas['compute']!
  const broken = {
    name: initial!.name,
    up: async (...args: Parameters<(typeof initial & object)['up']>) => {
      await initial!.up(...args)
      throw new Error('the machine goes down')
    },
  }
  await assert.rejects(migrate(database, [broken]), /goes down/)
  assert.deepEqual(
    (await database.db.introspection.getTables()).map(({ name }) => name),
    ['schema_migrations'],
  )
  assert.deepEqual(await migrate(database, [initial!]), [initial!.name])
  await database.close()
})

test('of several processes that start at once each step runs in one', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-migrate-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const migrations = schemas['network']!
  const databases = [1, 2, 3].map(() => openDatabase<object>(`sqlite:///${join(folder, 'one.db')}`))
  const ran = (await Promise.all(databases.map((database) => migrate(database, migrations)))).flat()
  assert.deepEqual(ran.sort(), migrations.map(({ name }) => name).sort())
  for (const database of databases) await database.close()
})
