/** Tags of projects. */
import { sql, type SqlBool } from 'kysely'
import { isIn, type Filter } from './listing.ts'
import type { IdentityDb } from './rows.ts'

/** Tags by project, sorted. */
export async function tagsOf(db: IdentityDb, projectIds: readonly string[]): Promise<Map<string, string[]>> {
  const tags = new Map<string, string[]>(projectIds.map((id) => [id, []]))
  if (projectIds.length === 0) return tags
  const rows = await db
    .selectFrom('project_tags')
    .selectAll()
    .where('project_id', 'in', projectIds)
    .orderBy('tag')
    .execute()
  for (const row of rows) tags.get(row.project_id)?.push(row.tag)
  return tags
}

/** Projects that have all, or any, of the tags; or that have not. */
export function tagFilter(tags: readonly string[], how: { any: boolean; not: boolean }): Filter {
  const list = [...new Set(tags)]
  const having = sql`group by project_id having count(*) >= ${how.any ? 1 : list.length}`
  const tagged = sql`(select project_id from project_tags where ${isIn(sql.ref('tag'), list)} ${having})`
  return { expression: how.not ? sql<SqlBool>`id not in ${tagged}` : sql<SqlBool>`id in ${tagged}` }
}
