import type { Database } from '../../../platform/db/database.ts'
import { purgeDeleted } from '../store/removal.ts'
import type { ComputeSchema } from '../store/tables.ts'

/**
 * Removes servers that were deleted before a time, with their actions and their timeline, oldest first. What remains is
 * that they were deleted: the proof that lets a host remove what it still has of them. Those of which a host has not yet
 * said so stay. Returns how many.
 */
export function purgeServers(
  { transaction, engine }: Database<ComputeSchema>,
  before: number,
  most: number,
): Promise<number> {
  return transaction((tx) => purgeDeleted(tx, engine, before, most))
}
