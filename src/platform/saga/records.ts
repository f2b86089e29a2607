/** The rows that sagas live in. */
import type { Db } from '../db/database.ts'
import { recordEvents, type TimelineEvent, type TimelineSchema } from './timeline.ts'

export interface SagaSchema extends TimelineSchema {
  sagas: {
    id: string
    kind: string
    resource_id: string
    request_id: string | null
    state: 'running' | 'unwinding'
    step: number
    data: string
    error: string | null
    created_at: number
  }
}

/** To be run by a service's first migration. */
export const sagaTables = `
create table if not exists sagas (
  id varchar(64) primary key, kind varchar(64) not null, resource_id varchar(64) not null, request_id varchar(64),
  state varchar(16) not null, step integer not null, data text not null, error text, created_at bigint not null
);
create table if not exists timeline (
  id varchar(64) primary key, resource_id varchar(64) not null, request_id varchar(64), at bigint not null,
  what varchar(255) not null, outcome varchar(16) not null, duration_ms bigint, detail text
);
create index timeline_resource on timeline (resource_id, at);
`

/** How far a saga is. */
export interface Progress {
  state: 'running' | 'unwinding'
  step: number
  data: object
  error?: string
}

/** Keeps where a saga is, with lines of the timeline. */
export async function keep(
  tx: Db<SagaSchema>,
  id: string,
  at: Progress,
  lines: readonly TimelineEvent[],
): Promise<void> {
  const { data, ...changes } = at
  await tx
    .updateTable('sagas')
    .set({ ...changes, data: JSON.stringify(data) })
    .where('id', '=', id)
    .execute()
  await recordEvents(tx, lines)
}

export async function forget(db: Db<SagaSchema>, id: string): Promise<void> {
  await db.deleteFrom('sagas').where('id', '=', id).execute()
}
