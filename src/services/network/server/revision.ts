/**
 * Revisions: one counter of the whole database, by which its history is told (epochs.ts), and for each host the value
 * that it had when something last changed which that host follows. A host with the revision that it knows reads nothing.
 */
import type { Engine } from '../../../platform/db/database.ts'
import { upsert } from '../../../platform/db/upsert.ts'
import type { Journal } from '../store/journal.ts'
import { findRow, listRows, type NetworkDb } from '../store/rows.ts'
import { concernedHosts } from './concerned.ts'

const name = 'host-state'

/** The row that counts for each host. */
const everyHost = ''

/** Hosts that a change concerns. */
export type Hosts = ReadonlySet<string> | 'all'

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

/**
 * Last in a write transaction: raises the revision of the hosts that have what it changed. From the counter on changes
 * take turns, so that of two that meet - a port here, the first port of another host there - the later one sees both.
 * `knownHosts` is how many hosts have pulled from this process.
 */
export async function raiseHosts(tx: NetworkDb, engine: Engine, journal: Journal, knownHosts: number): Promise<Hosts> {
  if (journal.isEmpty) return new Set()
  await raiseRevision(tx, engine)
  const revision = await readRevision(tx)
  // To let all look is never wrong; with a single host it is less work than to find out whether it has to.
  const hosts: Hosts = journal.isForAll || knownHosts < 2 ? 'all' : await concernedHosts(tx, journal)
  await setRevision(tx, engine, hosts === 'all' ? [everyHost] : [...hosts], revision)
  return hosts
}

/** Engines take only so many values in a statement. */
const hostsAtOnce = 10_000

async function setRevision(tx: NetworkDb, engine: Engine, hosts: readonly string[], revision: number): Promise<void> {
  for (let at = 0; at < hosts.length; at += hostsAtOnce) {
    const some = hosts.slice(at, at + hostsAtOnce)
    const done = await tx.updateTable('host_revisions').set({ revision }).where('host', 'in', some).executeTakeFirst()
    if (done.numUpdatedRows === BigInt(some.length)) continue
    for (const host of some) await upsert(tx, engine, 'host_revisions', ['host'], { host, revision })
  }
}
