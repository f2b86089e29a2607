/** The tree of projects and their tags. */
import { sql, type SqlBool } from 'kysely'
import type { Filter } from './listing.ts'
import type { IdentityDb, Row } from './rows.ts'

/** Tags by project, sorted. */
export async function tagsOf(db: IdentityDb, projectIds: readonly string[]): Promise<Map<string, string[]>> {
  const tags = new Map<string, string[]>(projectIds.map((id) => [id, []]))
  if (projectIds.length === 0) return tags
  const rows = await db
    .selectFrom('project_tags')
    .selectAll()
    .$if(projectIds.length <= 500, (query) => query.where('project_id', 'in', [...projectIds]))
    .orderBy('tag')
    .execute()
  for (const row of rows) tags.get(row.project_id)?.push(row.tag)
  return tags
}

/** Makes exactly these the tags of a project. */
export async function setTags(tx: IdentityDb, projectId: string, tags: readonly string[]): Promise<void> {
  await tx.deleteFrom('project_tags').where('project_id', '=', projectId).execute()
  if (tags.length === 0) return
  await tx
    .insertInto('project_tags')
    .values(tags.map((tag) => ({ project_id: projectId, tag })))
    .execute()
}

/** Projects above, nearest first, up to and with the domain. */
export async function projectsAbove(db: IdentityDb, project: Row<'projects'>): Promise<Row<'projects'>[]> {
  const found: Row<'projects'>[] = []
  for (let id = project.parent_id; id !== null && found.length < 100;) {
    const row: Row<'projects'> | undefined = await db
      .selectFrom('projects')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst()
    if (!row) break
    found.push(row)
    id = row.parent_id
  }
  return found
}

/** Projects below, level by level: parents before their children. */
export async function projectsBelow(db: IdentityDb, id: string): Promise<Row<'projects'>[]> {
  const found: Row<'projects'>[] = []
  for (let level = [id]; level.length > 0;) {
    const rows = await db.selectFrom('projects').selectAll().where('parent_id', 'in', level).orderBy('id').execute()
    found.push(...rows)
    level = rows.map((row) => row.id)
  }
  return found
}

/** Projects that have all, or any, of the tags; or that have not. */
export function tagFilter(tags: readonly string[], how: { any: boolean; not: boolean }): Filter {
  const list = [...new Set(tags)]
  const having = sql`group by project_id having count(*) >= ${how.any ? 1 : list.length}`
  const tagged = sql`(select project_id from project_tags where tag in (${sql.join(list)}) ${having})`
  return { expression: how.not ? sql<SqlBool>`id not in ${tagged}` : sql<SqlBool>`id in ${tagged}` }
}
