import { sql, type Kysely } from 'kysely'

/** DDL is not rolled back everywhere, so that a column may be there from a first attempt. */
export async function addColumn(db: Kysely<never>, table: string, column: string): Promise<void> {
  try {
    await sql.raw(`alter table ${table} add column ${column}`).execute(db)
  } catch (error) {
    if (!/duplicate column/i.test(String(error))) throw error
  }
}
