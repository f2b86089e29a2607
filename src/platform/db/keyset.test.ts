import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Kysely } from 'kysely'
import { openDatabase } from './database.ts'
import { behind, type SortKey } from './keyset.ts'
import { runStatements } from './migrate.ts'
import { testDatabaseUrl } from './testing.ts'

interface Schema {
  things: { id: number; a: number | null; b: string | null }
}
type Column = keyof Schema['things']

test('pages in any order hold every row once and in that order, nulls too', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-keyset-'))
  const { db, engine, close } = openDatabase<Schema>(await testDatabaseUrl(folder, 'keyset'))
  t.after(async () => (await close(), rmSync(folder, { recursive: true })))
  const table = 'create table if not exists things (id integer primary key, a integer, b varchar(8));\n'
  await runStatements(db as unknown as Kysely<never>, engine, table)
  const value = fc.record({ a: fc.option(fc.integer({ min: 0, max: 2 })), b: fc.option(fc.constantFrom('', 'x', 'y')) })
  const direction = fc.constantFrom('asc', 'desc')
  const key = fc.record({ column: fc.constantFrom<Column>('a', 'b'), direction })
  const orders = fc.tuple(fc.uniqueArray(key, { selector: ({ column }) => column }), direction)
  await fc.assert(
    fc.asyncProperty(
      fc.array(value, { maxLength: 9 }),
      orders,
      fc.integer({ min: 1, max: 4 }),
      async (rows, by, limit) => {
        await db.deleteFrom('things').execute()
        if (rows.length > 0)
          await db
            .insertInto('things')
            .values(rows.map((row, id) => ({ id, ...row })))
            .execute()
        const keys: SortKey<Column>[] = [...by[0], { column: 'id', direction: by[1] }]
        const sorted = () => {
          let query = db.selectFrom('things').selectAll()
          for (const key of keys) query = query.orderBy(key.column, key.direction)
          return query
        }
        const whole = await sorted().execute()
        const seen: typeof whole = []
        for (;;) {
          const last = seen.at(-1)
          const page = await (last ? sorted().where(behind(keys, { ...last })) : sorted()).limit(limit).execute()
          seen.push(...page)
          if (page.length < limit) break
        }
        assert.deepEqual(seen, whole)
      },
    ),
    { numRuns: 200 },
  )
})
