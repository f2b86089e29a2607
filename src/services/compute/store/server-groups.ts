import type { Db } from '../../../platform/db/database.ts'
import type { ComputeSchema, ServerGroupTable } from './tables.ts'

export interface ServerGroup {
  id: string
  projectId: string
  userId: string
  name: string
  policy: string
  rules: { max_server_per_host?: number }
}

const toGroup = (row: ServerGroupTable): ServerGroup => ({
  id: row.id,
  projectId: row.project_id,
  userId: row.user_id,
  name: row.name,
  policy: row.policy,
  rules: JSON.parse(row.rules_json) as ServerGroup['rules'],
})

export async function findGroup(db: Db<ComputeSchema>, id: string): Promise<ServerGroup | undefined> {
  const row = await db.selectFrom('server_groups').selectAll().where('id', '=', id).executeTakeFirst()
  return row && toGroup(row)
}

/** Those of a project, of all for null: `limit` of them behind `offset`. */
export async function listGroups(
  db: Db<ComputeSchema>,
  projectId: string | null,
  { offset, limit }: { offset: number; limit: number },
): Promise<ServerGroup[]> {
  let query = db.selectFrom('server_groups').selectAll().orderBy('created_at').orderBy('id').limit(limit).offset(offset)
  if (projectId !== null) query = query.where('project_id', '=', projectId)
  return (await query.execute()).map(toGroup)
}

export async function countGroups(db: Db<ComputeSchema>, projectId: string): Promise<number> {
  const { count } = await db
    .selectFrom('server_groups')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('project_id', '=', projectId)
    .executeTakeFirstOrThrow()
  return Number(count)
}

export async function insertGroup(db: Db<ComputeSchema>, group: ServerGroup, now: number): Promise<void> {
  const row: ServerGroupTable = {
    id: group.id,
    seq: now,
    project_id: group.projectId,
    user_id: group.userId,
    name: group.name,
    policy: group.policy,
    rules_json: JSON.stringify(group.rules),
    created_at: now,
  }
  await db.insertInto('server_groups').values(row).execute()
}

export async function deleteGroup(db: Db<ComputeSchema>, id: string): Promise<void> {
  await db.deleteFrom('server_groups').where('id', '=', id).execute()
}

/** Ids of the living servers of some groups, by group. */
export async function membersOf(
  db: Db<ComputeSchema>,
  groupIds: readonly string[],
): Promise<Map<string, { id: string; userId: string }[]>> {
  const result = new Map<string, { id: string; userId: string }[]>()
  if (groupIds.length === 0) return result
  const rows = await db
    .selectFrom('servers')
    .select(['id', 'group_id', 'user_id'])
    .where('group_id', 'in', groupIds)
    .where('deleted_at', 'is', null)
    .orderBy('created_at')
    .execute()
  for (const row of rows)
    result.set(row.group_id!, [...(result.get(row.group_id!) ?? []), { id: row.id, userId: row.user_id }])
  return result
}
