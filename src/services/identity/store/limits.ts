/** Limits, and the projects that they are of. */
import { sql, type SqlBool } from 'kysely'
import type { Filter } from './listing.ts'
import type { IdentityDb, Row } from './rows.ts'

/** Limits of a domain and of its projects. */
export function limitsWithinDomain(domainId: string): Filter {
  const projects = sql`select id from projects where domain_id = ${domainId}`
  return { expression: sql<SqlBool>`(domain_id = ${domainId} or project_id in (${projects}))` }
}

/** Projects and domains by id, and all projects in such domains, as the tree that limits are checked against. */
export const projectsAndThoseWithin = (
  tx: IdentityDb,
  ids: readonly string[],
): Promise<Pick<Row<'projects'>, 'id' | 'domain_id' | 'parent_id'>[]> =>
  tx
    .selectFrom('projects')
    .select(['id', 'domain_id', 'parent_id'])
    .where((where) => where.or([where('id', 'in', ids), where('domain_id', 'in', ids)]))
    .execute()
