/** What nobody can use any more goes by its age. */
import type { Database } from '../../../platform/db/database.ts'
import { purgeOlderThan } from '../../../platform/db/purge.ts'
import type { IdentityDeps } from '../deps.ts'
import type { IdentitySchema } from '../store/tables.ts'
import { forgetOldRevocations } from './revoke.ts'

export async function purge(deps: IdentityDeps): Promise<void> {
  const { database, config } = deps
  await forgetOldRevocations(deps)
  await database.db.deleteFrom('request_tokens').where('expires_at', '<', Date.now()).execute()
  await purgeOlderThan(config.purgeDeletedDays, (before, most) => purgeTrusts(database, before, most))
}

/** Removes trusts that ended or were deleted before a time, at most so many. */
function purgeTrusts({ transaction }: Database<IdentitySchema>, before: number, most: number): Promise<number> {
  return transaction(async (tx) => {
    const rows = await tx
      .selectFrom('trusts')
      .select('id')
      .where((where) => where.or([where('expires_at', '<', before), where('deleted_at', '<', before)]))
      .limit(most)
      .execute()
    for (const { id } of rows) await tx.deleteFrom('trusts').where('id', '=', id).execute()
    return rows.length
  })
}
