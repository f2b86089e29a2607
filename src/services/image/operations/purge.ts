/** Forgetting what is over. */
import type { Database } from '../../../platform/db/database.ts'
import { purgeOlderThan } from '../../../platform/db/purge.ts'
import { forgetEvents } from '../../../platform/saga/timeline.ts'
import type { ImageDeps } from '../deps.ts'
import type { ImageSchema } from '../store/tables.ts'
import { deleteExpiredTasks } from '../store/tasks.ts'

type ImageDatabase = Database<ImageSchema>

const least = (count: number) => (count < 0 ? Number.MAX_SAFE_INTEGER : count)

/** Removes the rows of images that were deleted before a time; what remains of them is that their id was used. */
export function purgeImages({ transaction }: ImageDatabase, before: number, most: number): Promise<number> {
  return transaction(async (tx) => {
    const rows = await tx
      .selectFrom('images')
      .select('id')
      .where('status', '=', 'deleted')
      .where('deleted_at', '<', before)
      .orderBy('deleted_at')
      .limit(least(most))
      .execute()
    for (const { id } of rows) {
      const known = await tx.selectFrom('used_image_ids').select('id').where('id', '=', id).executeTakeFirst()
      if (!known) await tx.insertInto('used_image_ids').values({ id }).execute()
      await tx.deleteFrom('images').where('id', '=', id).execute()
    }
    return rows.length
  })
}

/** Removes tasks that ended before a time. */
export function purgeTasks({ transaction }: ImageDatabase, before: number, most: number): Promise<number> {
  return transaction(async (tx) => {
    const rows = await tx
      .selectFrom('tasks')
      .select('id')
      .where('status', 'in', ['success', 'failure'])
      .where('updated_at', '<', before)
      .orderBy('updated_at')
      .limit(least(most))
      .execute()
    for (const { id } of rows) await tx.deleteFrom('tasks').where('id', '=', id).execute()
    return rows.length
  })
}

/** What nobody will ask for any more goes by its age. */
export async function purge({ database, config, log }: Pick<ImageDeps, 'database' | 'config' | 'log'>): Promise<void> {
  await deleteExpiredTasks(database.db, Date.now())
  const images = await purgeOlderThan(config.purgeDeletedDays, (...old) => purgeImages(database, ...old))
  const lines = await purgeOlderThan(config.purgeTimelineDays, (...old) => forgetEvents(database, ...old))
  if (images + lines > 0) log.info({ images, lines }, 'old rows are removed')
}
