/**
 * Whether a database is the one that an agent followed, or a successor of it: as with PostgreSQL's timelines, each start
 * of neutron-server begins an epoch of a name that cannot be guessed, at the revision that the database had then. A copy
 * that is older than what an agent knows either lacks the agent's epoch or ended it before the agent's revision.
 */
import { randomUUID } from 'node:crypto'
import { isDatabaseDown, isDuplicate, type Database } from '../../../platform/db/database.ts'
import type { Logger } from '../../../platform/log/log.ts'
import { endOfEpoch, forgetEpochsUpTo, insertEpoch, newestEpoch } from '../store/epochs.ts'
import { readRevision } from '../store/revisions.ts'
import { findRow, type NetworkDb } from '../store/rows.ts'
import type { NetworkSchema } from '../store/tables.ts'

/** Epochs that are remembered; an agent that was away for longer is in doubt, which removes nothing. */
const most = 1000

export interface Position {
  epoch: string
  revision: number
}

/**
 * The epoch of this start: to be awaited before the first agent is answered and before anything is changed. It is tried at
 * once; a database that takes no writes, as on a full disk, is tried again by whoever needs it, and readers are served.
 */
export async function epochOfStart(database: Database<NetworkSchema>, log: Logger): Promise<() => Promise<void>> {
  let begun: Promise<void> | undefined
  const begin = () =>
    (begun ??= beginEpoch(database).catch((error: unknown) => {
      begun = undefined
      throw error
    }))
  await begin().catch((error: unknown) => {
    if (!isDatabaseDown(error)) throw error
    log.warn({ err: error }, 'no epoch can begin yet: agents wait, and nothing is changed')
  })
  return begin
}

export async function beginEpoch(database: Database<NetworkSchema>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await database.transaction(async (tx) => {
        const seq = ((await newestEpoch(tx))?.seq ?? 0) + 1
        await insertEpoch(tx, { seq, id: randomUUID(), began_at: await readRevision(tx) })
        await forgetEpochsUpTo(tx, seq - most)
      })
    } catch (error) {
      // Another process began one at the same time.
      if (attempt === 10 || !isDuplicate(error)) throw error
    }
  }
}

/** The epoch that now is; read it after the revision that is told with it. */
export async function currentEpoch(db: NetworkDb): Promise<string> {
  const epoch = await newestEpoch(db)
  if (!epoch) throw new Error('no epoch has begun')
  return epoch.id
}

/** True when everything that was true at `known` is in the past of this database. */
export async function succeeds(db: NetworkDb, known: Position): Promise<boolean> {
  const epoch = await findRow(db, 'epochs', { id: known.epoch })
  if (!epoch) return false
  return known.revision <= ((await endOfEpoch(db, Number(epoch.seq))) ?? (await readRevision(db)))
}
