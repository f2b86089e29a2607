/** Rows of domain configurations: an option each, its value as JSON. */
import type { Database } from '../../../platform/db/database.ts'
import type { IdentityDb, Row } from './rows.ts'
import type { IdentitySchema } from './tables.ts'

export type DomainOption = Row<'domain_options'>

/** Which options are meant: all of a domain, those of a section, or one. */
export interface Place {
  section?: string | undefined
  name?: string | undefined
}

/** The options of a domain, the sensitive ones among them: what is shown is for the caller to choose. */
export function domainOptions(
  db: IdentityDb,
  domainId: string,
  { section, name }: Place = {},
): Promise<DomainOption[]> {
  let query = db.selectFrom('domain_options').selectAll().where('domain_id', '=', domainId)
  if (section !== undefined) query = query.where('section', '=', section)
  if (name !== undefined) query = query.where('name', '=', name)
  return query.orderBy('section').orderBy('name').execute()
}

export async function deleteDomainOptions(db: IdentityDb, domainId: string, { section, name }: Place = {}) {
  let query = db.deleteFrom('domain_options').where('domain_id', '=', domainId)
  if (section !== undefined) query = query.where('section', '=', section)
  if (name !== undefined) query = query.where('name', '=', name)
  await query.execute()
}

/** Writes options of a domain over those of the same name; `isWhole`: those that are not given end. */
export async function putDomainOptions(
  database: Database<IdentitySchema>,
  domainId: string,
  options: readonly DomainOption[],
  { isWhole }: { isWhole: boolean },
): Promise<void> {
  await database.transaction(async (tx) => {
    if (isWhole) await deleteDomainOptions(tx, domainId)
    for (const option of options) {
      if (!isWhole) await deleteDomainOptions(tx, domainId, option)
      await tx.insertInto('domain_options').values(option).execute()
    }
  })
}
