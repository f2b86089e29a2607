/** The counter of the database, and for each host the value that it had when something last changed that it follows. */
import type { Engine } from '../../../platform/db/database.ts'
import { upsert } from '../../../platform/db/upsert.ts'
import { findRow, listRows, type NetworkDb } from './rows.ts'

const name = 'host-state'

/** The row that counts for each host. */
export const everyHost = ''

/** Raised by every change that agents may have to follow. */
export async function readRevision(db: NetworkDb): Promise<number> {
  return Number((await findRow(db, 'revisions', { name }))?.value ?? 0)
}

/** When something last changed that `host` follows. */
export async function revisionOf(db: NetworkDb, host: string): Promise<number> {
  const rows = await listRows(db, 'host_revisions', { host: [host, everyHost] })
  return Math.max(0, ...rows.map(({ revision }) => Number(revision)))
}

/** Within a write transaction: the next revision. */
export async function raiseRevision(tx: NetworkDb, engine: Engine): Promise<void> {
  const done = await tx
    .updateTable('revisions')
    .set(({ eb }) => ({ value: eb('value', '+', 1) }))
    .where('name', '=', name)
    .executeTakeFirst()
  if (done.numUpdatedRows === 0n) await upsert(tx, engine, 'revisions', ['name'], { name, value: 1 })
}

/** Engines take only so many values in a statement. */
const hostsAtOnce = 10_000

/** Notes the revision at which something changed that these hosts follow. */
export async function setHostRevision(
  tx: NetworkDb,
  engine: Engine,
  hosts: readonly string[],
  revision: number,
): Promise<void> {
  for (let at = 0; at < hosts.length; at += hostsAtOnce) {
    const some = hosts.slice(at, at + hostsAtOnce)
    const done = await tx.updateTable('host_revisions').set({ revision }).where('host', 'in', some).executeTakeFirst()
    if (done.numUpdatedRows === BigInt(some.length)) continue
    for (const host of some) await upsert(tx, engine, 'host_revisions', ['host'], { host, revision })
  }
}
