import type { Db } from '../../../platform/db/database.ts'
import type { Aggregate } from '../model/host.ts'
import type { AggregateTable, ComputeSchema } from './tables.ts'

const toAggregate = (row: AggregateTable): Aggregate => ({
  id: Number(row.id),
  uuid: row.uuid,
  name: row.name,
  zone: row.zone,
  metadata: JSON.parse(row.metadata_json) as Record<string, string>,
  hosts: JSON.parse(row.hosts_json) as string[],
  createdAt: Number(row.created_at),
  updatedAt: row.updated_at === null ? null : Number(row.updated_at),
})

export async function listAggregates(db: Db<ComputeSchema>): Promise<Aggregate[]> {
  return (await db.selectFrom('aggregates').selectAll().orderBy('id').execute()).map(toAggregate)
}

export async function insertAggregate(db: Db<ComputeSchema>, aggregate: Omit<Aggregate, 'id'>): Promise<number> {
  const top = await db
    .selectFrom('aggregates')
    .select((select) => select.fn.max('id').as('top'))
    .executeTakeFirst()
  const id = Number(top?.top ?? 0) + 1
  await db
    .insertInto('aggregates')
    .values({ id, ...toColumns(aggregate), created_at: aggregate.createdAt })
    .execute()
  return id
}

export async function saveAggregate(db: Db<ComputeSchema>, aggregate: Aggregate): Promise<void> {
  await db.updateTable('aggregates').set(toColumns(aggregate)).where('id', '=', aggregate.id).execute()
}

export async function deleteAggregate(db: Db<ComputeSchema>, id: number): Promise<void> {
  await db.deleteFrom('aggregates').where('id', '=', id).execute()
}

const toColumns = (aggregate: Omit<Aggregate, 'id'>) => ({
  uuid: aggregate.uuid,
  name: aggregate.name,
  zone: aggregate.zone,
  metadata_json: JSON.stringify(aggregate.metadata),
  hosts_json: JSON.stringify(aggregate.hosts),
  updated_at: aggregate.updatedAt,
})
