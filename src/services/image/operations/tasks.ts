import { randomUUID } from 'node:crypto'
import type { ImageDeps } from '../deps.ts'
import type { ImageDb } from '../store/images.ts'
import { insertTask, updateTask, type TaskRow } from '../store/tasks.ts'

export interface NewTask {
  type: string
  owner: string
  imageId: string | null
  userId: string
  requestId: string
  input: object
}

/** Records a task that nobody works on yet. */
export async function createTask(
  tx: ImageDb,
  { type, owner, imageId, userId, requestId, input }: NewTask,
): Promise<TaskRow> {
  const now = Date.now()
  const row: TaskRow = {
    id: randomUUID(),
    type,
    status: 'pending',
    owner,
    image_id: imageId,
    user_id: userId,
    request_id: requestId,
    input: JSON.stringify(input),
    result: null,
    message: '',
    expires_at: null,
    created_at: now,
    updated_at: now,
  }
  await insertTask(tx, row)
  return row
}

type Settings = Pick<ImageDeps, 'config'>

const expiry = ({ config }: Settings) => Date.now() + config.taskTimeToLive * 3_600_000

export const startTask = (db: ImageDb, id: string) => updateTask(db, id, { status: 'processing' })

export const succeedTask = (db: ImageDb, settings: Settings, id: string, result: object) =>
  updateTask(db, id, { status: 'success', result: JSON.stringify(result), expires_at: expiry(settings) })

export const failTask = (db: ImageDb, settings: Settings, id: string, message: string) =>
  updateTask(db, id, { status: 'failure', message, expires_at: expiry(settings) })
