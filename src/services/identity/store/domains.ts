/** Domains by name, and what is in one. */
import type { IdentityDb, Row } from './rows.ts'

export const domainsNamed = (
  db: IdentityDb,
  names: readonly string[],
): Promise<Pick<Row<'projects'>, 'id' | 'name'>[]> =>
  db.selectFrom('projects').select(['id', 'name']).where('is_domain', '=', 1).where('name', 'in', names).execute()

type TableOfDomain = 'users' | 'groups' | 'projects' | 'roles' | 'identity_providers'

/** The ids of what a domain has in a table. */
export const idsWithin = async (db: IdentityDb, table: TableOfDomain, domainId: string): Promise<string[]> =>
  (await db.selectFrom(table).select('id').where('domain_id', '=', domainId).execute()).map((row) => row.id)
