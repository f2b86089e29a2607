import type { Db } from '../../../platform/db/database.ts'
import type { ComputeSchema, ServerActionTable } from './tables.ts'

export interface ActionEvent {
  event: string
  startAt: number
  finishAt: number | null
  result: 'Success' | 'Error' | null
  host: string | null
  traceback: string | null
  details: string | null
}

export interface NewAction {
  serverId: string
  requestId: string
  action: string
  userId: string
  projectId: string
}

/** Begins an action; a second one of the same request and server keeps the first. */
export async function insertActions(db: Db<ComputeSchema>, actions: readonly NewAction[], now: number): Promise<void> {
  const rows = actions.map((each) => ({
    server_id: each.serverId,
    request_id: each.requestId,
    action: each.action,
    user_id: each.userId,
    project_id: each.projectId,
    start_at: now,
    updated_at: now,
    finish_at: null,
    message: null,
    events_json: '[]',
  }))
  await db.insertInto('server_actions').values(rows).execute()
}

/** Ends an action with its one event. */
export async function finishAction(
  db: Db<ComputeSchema>,
  which: { serverId: string; requestId: string | null },
  end: {
    now: number
    event: string
    startAt: number
    host: string | null
    result: 'Success' | 'Error'
    message?: string
    detail?: string
  },
): Promise<void> {
  if (which.requestId === null) return
  const event: ActionEvent = {
    event: end.event,
    startAt: end.startAt,
    finishAt: end.now,
    result: end.result,
    host: end.host,
    traceback: end.detail ?? null,
    details: end.message ?? null,
  }
  await db
    .updateTable('server_actions')
    .set({
      finish_at: end.now,
      updated_at: end.now,
      message: end.result === 'Error' ? 'Error' : null,
      events_json: JSON.stringify([event]),
    })
    .where('server_id', '=', which.serverId)
    .where('request_id', '=', which.requestId)
    .execute()
}

export interface ServerAction extends Omit<ServerActionTable, 'events_json'> {
  events: ActionEvent[]
}

const toAction = ({ events_json, ...row }: ServerActionTable): ServerAction => ({
  ...row,
  events: JSON.parse(events_json) as ActionEvent[],
})

export async function listActions(
  db: Db<ComputeSchema>,
  serverId: string,
  filter: { limit: number; marker?: ServerAction; since?: number; before?: number },
): Promise<ServerAction[]> {
  let query = db.selectFrom('server_actions').selectAll().where('server_id', '=', serverId)
  if (filter.since !== undefined) query = query.where('updated_at', '>=', filter.since)
  if (filter.before !== undefined) query = query.where('updated_at', '<=', filter.before)
  const rows = (await query.orderBy('start_at', 'desc').orderBy('request_id').execute()).map(toAction)
  const after = filter.marker ? rows.findIndex((row) => row.request_id === filter.marker!.request_id) + 1 : 0
  return rows.slice(after, after + filter.limit)
}

export async function findAction(
  db: Db<ComputeSchema>,
  serverId: string,
  requestId: string,
): Promise<ServerAction | undefined> {
  const row = await db
    .selectFrom('server_actions')
    .selectAll()
    .where('server_id', '=', serverId)
    .where('request_id', '=', requestId)
    .executeTakeFirst()
  return row && toAction(row)
}
