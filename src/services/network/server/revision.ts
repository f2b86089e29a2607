/**
 * Revisions: one counter of the whole database, by which its history is told (epochs.ts), and for each host the value
 * that it had when something last changed which that host follows. A host with the revision that it knows reads nothing.
 */
import type { Engine } from '../../../platform/db/database.ts'
import type { Journal } from '../store/journal.ts'
import { everyHost, raiseRevision, readRevision, setHostRevision } from '../store/revisions.ts'
import type { NetworkDb } from '../store/rows.ts'
import { concernedHosts } from './concerned.ts'

/** Hosts that a change concerns. */
export type Hosts = ReadonlySet<string> | 'all'

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
  await setHostRevision(tx, engine, hosts === 'all' ? [everyHost] : [...hosts], revision)
  return hosts
}
