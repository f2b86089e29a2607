/** Forgetting what is over. */
import type { Database } from '../../../platform/db/database.ts'
import { purgeOlderThan } from '../../../platform/db/purge.ts'
import { forgetEvents } from '../../../platform/saga/timeline.ts'
import type { ImageDeps } from '../deps.ts'
import { purgeDeleted } from '../store/deleted-images.ts'
import type { ImageSchema } from '../store/tables.ts'
import { deleteExpiredTasks, purgeEndedTasks } from '../store/tasks.ts'

type ImageDatabase = Database<ImageSchema>

const least = (count: number) => (count < 0 ? Number.MAX_SAFE_INTEGER : count)

/** Removes the rows of images that were deleted before a time; what remains of them is that their id was used. */
export function purgeImages({ transaction }: ImageDatabase, before: number, most: number): Promise<number> {
  return transaction((tx) => purgeDeleted(tx, before, least(most)))
}

/** Removes tasks that ended before a time. */
export function purgeTasks({ transaction }: ImageDatabase, before: number, most: number): Promise<number> {
  return transaction((tx) => purgeEndedTasks(tx, before, least(most)))
}

/** What nobody will ask for any more goes by its age. */
export async function purge({ database, config, log }: Pick<ImageDeps, 'database' | 'config' | 'log'>): Promise<void> {
  await deleteExpiredTasks(database.db, Date.now())
  const images = await purgeOlderThan(config.purgeDeletedDays, (...old) => purgeImages(database, ...old))
  const lines = await purgeOlderThan(config.purgeTimelineDays, (...old) => forgetEvents(database, ...old))
  if (images + lines > 0) log.info({ images, lines }, 'old rows are removed')
}
