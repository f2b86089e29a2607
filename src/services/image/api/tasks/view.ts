import type { TaskRow } from '../../store/tasks.ts'
import { iso } from '../images/view.ts'

/** A task without what is long. */
export const viewTaskStub = (row: TaskRow) => ({
  id: row.id,
  type: row.type,
  status: row.status,
  owner: row.owner,
  created_at: iso(row.created_at),
  updated_at: iso(row.updated_at),
  ...(row.expires_at !== null && { expires_at: iso(row.expires_at) }),
  self: `/v2/tasks/${row.id}`,
  schema: '/v2/schemas/task',
})

export const viewTask = (row: TaskRow) => ({
  ...viewTaskStub(row),
  input: JSON.parse(row.input) as unknown,
  result: row.result === null ? null : (JSON.parse(row.result) as unknown),
  message: row.message,
  ...(row.image_id !== null && { image_id: row.image_id }),
  ...(row.request_id !== null && { request_id: row.request_id }),
  ...(row.user_id !== null && { user_id: row.user_id }),
})
