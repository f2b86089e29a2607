import type { Database } from '../../../platform/db/database.ts'
import { upsert } from '../../../platform/db/upsert.ts'
import type { NetworkDb } from '../store/rows.ts'
import { findRow } from '../store/rows.ts'
import type { NetworkSchema } from '../store/tables.ts'

const name = 'host-state'

/** Raised by every change that agents may have to follow. */
export async function readRevision(db: NetworkDb): Promise<number> {
  return Number((await findRow(db, 'revisions', { name }))?.value ?? 0)
}

/** Within a write transaction: the next revision. */
export async function raiseRevision(tx: NetworkDb, engine: Database<NetworkSchema>['engine']): Promise<void> {
  const done = await tx
    .updateTable('revisions')
    .set(({ eb }) => ({ value: eb('value', '+', 1) }))
    .where('name', '=', name)
    .executeTakeFirst()
  if (done.numUpdatedRows === 0n) await upsert(tx, engine, 'revisions', ['name'], { name, value: 1 })
}
