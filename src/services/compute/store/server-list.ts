/** Lists of servers: one query, whatever the filters. */
import { setImmediate } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Db } from '../../../platform/db/database.ts'
import { behind, type SortKey } from '../../../platform/db/keyset.ts'
import type { Server } from '../model/server.ts'
import { toServer } from './servers.ts'
import type { ComputeSchema, ServerTable } from './tables.ts'

export interface ServerFilter {
  /** Null: of all projects. */
  projectId: string | null
  isDeleted: boolean
  /** Deleted ones too. */
  changedSince?: number
  changedBefore?: number
  equal: Partial<Record<keyof ServerTable, string | number>>
  anyOf: Partial<Record<keyof ServerTable, readonly string[]>>
  /** What the database cannot tell. */
  matches?: (server: Server) => boolean
  isLocked?: boolean
  tagsAll?: readonly string[]
  tagsAny?: readonly string[]
  notTagsAll?: readonly string[]
  notTagsAny?: readonly string[]
  sort: readonly { column: keyof ServerTable; isDescending: boolean }[]
  /** The last server of the page before. */
  marker?: Server
  limit: number
}

const escape = (text: string) => text.replace(/[\\%_]/g, '\\$&')
const like = (column: string, text: string) =>
  sql<boolean>`${sql.ref(column)} like ${`%${escape(text)}%`} escape ${'\\'}`

/** So many are read at once, and so long they are looked at before others get their turn. */
const batch = 64
const sliceMs = 10

/** The servers of one page. */
export async function listServers(db: Db<ComputeSchema>, filter: ServerFilter): Promise<Server[]> {
  const { matches, limit } = filter
  if (!matches) return listPage(db, filter)
  const found: Server[] = []
  let marker = filter.marker
  let since = performance.now()
  for (;;) {
    const servers = await listPage(db, { ...filter, limit: batch, ...(marker && { marker }) })
    for (const server of servers) {
      if (found.length >= limit) return found
      if (matches(server)) found.push(server)
      if (performance.now() - since < sliceMs) continue
      await setImmediate()
      since = performance.now()
    }
    if (servers.length < batch) return found
    marker = servers.at(-1)
  }
}

async function listPage(db: Db<ComputeSchema>, filter: ServerFilter): Promise<Server[]> {
  let query = db.selectFrom('servers').selectAll()
  if (filter.projectId !== null) query = query.where('project_id', '=', filter.projectId)
  if (filter.changedSince === undefined) query = query.where('deleted_at', filter.isDeleted ? 'is not' : 'is', null)
  else query = query.where('updated_at', '>=', filter.changedSince)
  if (filter.changedBefore !== undefined) query = query.where('updated_at', '<=', filter.changedBefore)
  for (const [column, value] of Object.entries(filter.equal)) query = query.where(column as 'id', '=', value as string)
  for (const [column, values] of Object.entries(filter.anyOf)) {
    query = values.length === 0 ? query.where(sql<boolean>`1 = 0`) : query.where(column as 'id', 'in', values)
  }
  if (filter.isLocked !== undefined) query = query.where('locked_by', filter.isLocked ? 'is not' : 'is', null)
  const hasTag = (tag: string) => like('tags', `,${tag},`)
  for (const tag of filter.tagsAll ?? []) query = query.where(hasTag(tag))
  if (filter.tagsAny) query = query.where((where) => where.or(filter.tagsAny!.map(hasTag)))
  if (filter.notTagsAll) query = query.where((where) => where.not(where.and(filter.notTagsAll!.map(hasTag))))
  if (filter.notTagsAny) query = query.where((where) => where.not(where.or(filter.notTagsAny!.map(hasTag))))
  const last = { column: 'id' as const, isDescending: filter.sort.at(-1)?.isDescending ?? true }
  const keys = [...filter.sort, last].map(({ column, isDescending }): SortKey<keyof ServerTable> => {
    return { column, direction: isDescending ? 'desc' : 'asc' }
  })
  if (filter.marker) {
    const row = await db.selectFrom('servers').selectAll().where('id', '=', filter.marker.id).executeTakeFirst()
    if (row) query = query.where(behind(keys, { ...row }))
  }
  for (const { column, direction } of keys) query = query.orderBy(column, direction)
  return (await query.limit(filter.limit).execute()).map(toServer)
}

/** Servers whose task began before a time and that no saga works on, at most so many. */
export async function listOverdue(db: Db<ComputeSchema>, before: number, most: number): Promise<Server[]> {
  const rows = await db
    .selectFrom('servers')
    .selectAll()
    .where('deleted_at', 'is', null)
    .where('task_state', 'is not', null)
    .where('task_since', '<', before)
    .where('id', 'not in', db.selectFrom('sagas').select('resource_id'))
    .limit(most)
    .execute()
  return rows.map(toServer)
}
