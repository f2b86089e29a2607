/** The rows that sagas live in. What is written names its owner: who lost a saga writes nothing more. */
import type { Db } from '../db/database.ts'
import type { LeaseSchema } from '../db/lease.ts'
import { addColumn, runStatements, type Migration } from '../db/migrate.ts'
import { SagaAbandoned } from './kind.ts'
import { recordEvents, type TimelineEvent, type TimelineSchema } from './timeline.ts'

export interface SagaSchema extends TimelineSchema, LeaseSchema {
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
    /** Name of the process that works on it; empty for none. */
    owner: string
    /** 1 when it has to end: for its owner, wherever that is. */
    is_cancelled: number
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

/** For a migration: sagas get owners. */
export const sagaOwners: Migration['up'] = async (db, engine) => {
  await addColumn(db, engine, 'sagas', "owner varchar(64) not null default ''")
  await addColumn(db, engine, 'sagas', 'is_cancelled integer not null default 0')
  await runStatements(db, engine, 'create index if not exists sagas_resource on sagas (resource_id);\n')
}

/** One saga as its record has it. */
export interface SagaRecord {
  readonly id: string
  readonly kind: string
  readonly resourceId: string
  readonly requestId: string | null
  readonly state: 'running' | 'unwinding'
  readonly step: number
  readonly data: object
  readonly error: string | null
}

/** How far a saga is. */
export interface Progress {
  state: 'running' | 'unwinding'
  step: number
  data: object
  error?: string
}

/** Whose saga is written. */
export interface Claim {
  readonly id: string
  readonly owner: string
}

type Sagas = Db<SagaSchema>

export async function insertSaga(db: Sagas, record: SagaRecord, owner: string): Promise<void> {
  await db
    .insertInto('sagas')
    .values({
      id: record.id,
      kind: record.kind,
      resource_id: record.resourceId,
      request_id: record.requestId,
      state: record.state,
      step: record.step,
      data: JSON.stringify(record.data),
      error: record.error,
      created_at: Date.now(),
      owner,
      is_cancelled: 0,
    })
    .execute()
}

/** Keeps where a saga is, with lines of the timeline. Throws SagaAbandoned when it is another's. */
export async function saveProgress(
  tx: Sagas,
  { id, owner }: Claim,
  { data, ...changes }: Progress,
  lines: readonly TimelineEvent[],
): Promise<void> {
  const saved = await tx
    .updateTable('sagas')
    .set({ ...changes, data: JSON.stringify(data) })
    .where('id', '=', id)
    .where('owner', '=', owner)
    .executeTakeFirst()
  if (saved.numUpdatedRows === 0n) throw new SagaAbandoned()
  await recordEvents(tx, lines)
}

/** The end of a saga. Throws SagaAbandoned when it is another's. */
export async function deleteSaga(db: Sagas, { id, owner }: Claim): Promise<void> {
  const deleted = await db.deleteFrom('sagas').where('id', '=', id).where('owner', '=', owner).executeTakeFirst()
  if (deleted.numDeletedRows === 0n) throw new SagaAbandoned()
}

/** Ids and owners, oldest first; they are few. */
export const listOwners = (db: Sagas) =>
  db.selectFrom('sagas').select(['id', 'owner', 'is_cancelled']).orderBy('created_at').execute()

/** Makes a saga of `before` the new owner's; undefined when it is gone or somebody else was first. */
export async function takeSaga(db: Sagas, { id, owner }: Claim, before: string): Promise<SagaRecord | undefined> {
  if (owner !== before) {
    const taken = await db
      .updateTable('sagas')
      .set({ owner })
      .where('id', '=', id)
      .where('owner', '=', before)
      .executeTakeFirst()
    if (taken.numUpdatedRows === 0n) return undefined
  }
  const row = await db
    .selectFrom('sagas')
    .selectAll()
    .where('id', '=', id)
    .where('owner', '=', owner)
    .executeTakeFirst()
  return (
    row && {
      id: row.id,
      kind: row.kind,
      resourceId: row.resource_id,
      requestId: row.request_id,
      state: row.state,
      step: Number(row.step),
      data: JSON.parse(row.data) as object,
      error: row.error,
    }
  )
}

/** Asks the other owners of a resource's sagas to end them; returns the ids that were asked for. */
export async function cancelElsewhere(
  db: Sagas,
  resourceId: string,
  { owner, except }: { owner: string; except: string | undefined },
): Promise<string[]> {
  const rows = await db
    .selectFrom('sagas')
    .select('id')
    .where('resource_id', '=', resourceId)
    .where('owner', '!=', owner)
    .$if(except !== undefined, (query) => query.where('kind', '!=', except!))
    .execute()
  const ids = rows.map((row) => row.id)
  if (ids.length > 0) await db.updateTable('sagas').set({ is_cancelled: 1 }).where('id', 'in', ids).execute()
  return ids
}

/** Whether one of these sagas is not over. */
export async function isAnyLeft(db: Sagas, ids: readonly string[]): Promise<boolean> {
  if (ids.length === 0) return false
  return (await db.selectFrom('sagas').select('id').where('id', 'in', ids).limit(1).execute()).length > 0
}

export async function hasSaga(db: Sagas, resourceId: string): Promise<boolean> {
  const row = await db
    .selectFrom('sagas')
    .select('id')
    .where('resource_id', '=', resourceId)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}
