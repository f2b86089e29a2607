import { randomUUID } from 'node:crypto'
import type { Database, Db } from '../db/database.ts'

/** What happened to resources, for `nephos explain`. Times in milliseconds since the epoch. */
export interface TimelineSchema {
  timeline: {
    id: string
    resource_id: string
    request_id: string | null
    at: number
    what: string
    outcome: 'done' | 'failed' | 'info'
    duration_ms: number | null
    detail: string | null
  }
}

export interface TimelineEvent {
  resourceId: string
  requestId: string | null
  at: number
  what: string
  outcome: 'done' | 'failed' | 'info'
  durationMs?: number
  detail?: string | undefined
}

/** Adds one line to a resource's timeline. */
export const recordEvent = (db: Db<TimelineSchema>, event: TimelineEvent): Promise<void> => recordEvents(db, [event])

/** Adds lines to the timelines of resources, in one query. */
export async function recordEvents(db: Db<TimelineSchema>, events: readonly TimelineEvent[]): Promise<void> {
  if (events.length === 0) return
  const rows = events.map((event) => ({
    id: randomUUID(),
    resource_id: event.resourceId,
    request_id: event.requestId,
    at: event.at,
    what: event.what,
    outcome: event.outcome,
    duration_ms: event.durationMs ?? null,
    detail: event.detail ?? null,
  }))
  await db.insertInto('timeline').values(rows).execute()
}

/** To be run by a migration of a service that purges. */
export const timelineByTime = 'create index if not exists timeline_time on timeline (at);\n'

/** Forgets lines from before a time, the oldest ones; at least `most` of them where there are so many. */
export function forgetEvents({ transaction }: Database<TimelineSchema>, before: number, most: number): Promise<number> {
  return transaction(async (tx) => {
    const old = tx.selectFrom('timeline').select('at').where('at', '<', before).orderBy('at')
    const last = await old
      .limit(1)
      .offset(most - 1)
      .executeTakeFirst()
    // Lines of one moment go together.
    const query = tx.deleteFrom('timeline').where('at', last ? '<=' : '<', last ? last.at : before)
    return Number((await query.executeTakeFirst()).numDeletedRows)
  })
}

/** A resource's timeline, oldest first. */
export async function listEvents(db: Db<TimelineSchema>, resourceId: string): Promise<TimelineEvent[]> {
  const rows = await db.selectFrom('timeline').selectAll().where('resource_id', '=', resourceId).orderBy('at').execute()
  return rows.map((row) => ({
    resourceId: row.resource_id,
    requestId: row.request_id,
    at: Number(row.at),
    what: row.what,
    outcome: row.outcome,
    durationMs: row.duration_ms === null ? undefined : Number(row.duration_ms),
    detail: row.detail ?? undefined,
  }))
}
