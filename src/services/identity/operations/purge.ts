/** What nobody can use any more goes by its age. */
import { purgeOlderThan } from '../../../platform/db/purge.ts'
import type { IdentityDeps } from '../deps.ts'
import { forgetExpiredRequestTokens } from '../store/oauth1.ts'
import { purgeTrusts } from '../store/trusts.ts'
import { forgetOldRevocations } from './revoke.ts'

export async function purge(deps: IdentityDeps): Promise<void> {
  const { database, config } = deps
  await forgetOldRevocations(deps)
  await forgetExpiredRequestTokens(database.db)
  await purgeOlderThan(config.purgeDeletedDays, (before, most) =>
    database.transaction((tx) => purgeTrusts(tx, before, most)),
  )
}
