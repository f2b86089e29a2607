import { behind, type SortKey } from '../../../platform/db/keyset.ts'
import type { ImageDb } from './images.ts'
import type { ImageSchema, TaskStatus } from './tables.ts'

export type TaskRow = ImageSchema['tasks']

export const insertTask = (db: ImageDb, row: TaskRow) => db.insertInto('tasks').values(row).execute()

export const findTask = (db: ImageDb, id: string): Promise<TaskRow | undefined> =>
  db.selectFrom('tasks').selectAll().where('id', '=', id).executeTakeFirst()

export const listTasksOfImage = (db: ImageDb, imageId: string): Promise<TaskRow[]> =>
  db.selectFrom('tasks').selectAll().where('image_id', '=', imageId).orderBy('created_at', 'desc').execute()

/** Changes a task that has not ended; false when it has. */
export async function updateTask(db: ImageDb, id: string, changes: Partial<TaskRow>): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('tasks')
    .set({ ...changes, updated_at: Date.now() })
    .where('id', '=', id)
    .where('status', 'in', ['pending', 'processing'])
    .executeTakeFirst()
  return numUpdatedRows === 1n
}

export interface TaskListRequest {
  /** Null for those of all projects. */
  owner: string | null
  status: TaskStatus | undefined
  type: string | undefined
  sort: SortKey<keyof TaskRow>
  marker: TaskRow | undefined
  limit: number
}

export async function listTasks(db: ImageDb, ask: TaskListRequest): Promise<TaskRow[]> {
  let query = db.selectFrom('tasks').selectAll()
  if (ask.owner !== null) query = query.where('owner', '=', ask.owner)
  if (ask.status !== undefined) query = query.where('status', '=', ask.status)
  if (ask.type !== undefined) query = query.where('type', '=', ask.type)
  const keys = [ask.sort, { column: 'id' as const, direction: ask.sort.direction }]
  if (ask.marker) query = query.where(behind(keys, { ...ask.marker }))
  for (const { column, direction } of keys) query = query.orderBy(column, direction)
  return query.limit(ask.limit).execute()
}

/** Removes ended tasks whose time is over. */
export const deleteExpiredTasks = (db: ImageDb, now: number) =>
  db
    .deleteFrom('tasks')
    .where('status', 'in', ['success', 'failure'])
    .where('expires_at', 'is not', null)
    .where('expires_at', '<', now)
    .execute()

/** Removes tasks that ended before a time, the oldest first, at most so many; how many there were. */
export async function purgeEndedTasks(tx: ImageDb, before: number, most: number): Promise<number> {
  const rows = await tx
    .selectFrom('tasks')
    .select('id')
    .where('status', 'in', ['success', 'failure'])
    .where('updated_at', '<', before)
    .orderBy('updated_at')
    .limit(most)
    .execute()
  for (const { id } of rows) await tx.deleteFrom('tasks').where('id', '=', id).execute()
  return rows.length
}
