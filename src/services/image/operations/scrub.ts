/** Delayed deletion: the data of deleted images goes when its time is over, or comes back before. */
import type { ImageDeps } from '../deps.ts'
import { endDelayed, listDelayedUntil, restoreDeleted } from '../store/deleted-images.ts'
import { hasLocations } from '../store/locations.ts'
import { removeData } from './remove-data.ts'

type ScrubDeps = Pick<ImageDeps, 'database' | 'stores' | 'log'>

/** Removes the data of images that were deleted before a time; returns how many are gone. */
export async function scrub(deps: ScrubDeps, before: number): Promise<number> {
  const { database } = deps
  let gone = 0
  for (const id of await listDelayedUntil(database.db, before)) {
    await removeData(deps, id)
    if (await hasLocations(database.db, id)) continue // a store that cannot be reached now: the next run tries again
    await endDelayed(database.db, id)
    gone++
  }
  return gone
}

/** Takes a deletion back; false where its data is gone or there was none. Properties, tags and members do not return. */
export function restore({ database }: Pick<ImageDeps, 'database'>, id: string): Promise<boolean> {
  return database.transaction((tx) => restoreDeleted(tx, id))
}
