/** What nobody will ask for any more goes by its age. */
import { purgeOlderThan } from '../../../platform/db/purge.ts'
import { forgetEvents } from '../../../platform/saga/timeline.ts'
import type { ComputeDeps } from '../deps.ts'
import { purgeServers } from '../operations/purge-servers.ts'
import { deleteExpiredConsoleTokens } from '../store/console-tokens.ts'

export async function purge({ database, config, now, log }: ComputeDeps): Promise<void> {
  const { purgeDeletedDays, purgeTimelineDays } = config
  const at = { now: now() }
  await deleteExpiredConsoleTokens(database.db, now())
  const servers = await purgeOlderThan(purgeDeletedDays, (...old) => purgeServers(database, ...old), at)
  const lines = await purgeOlderThan(purgeTimelineDays, (...old) => forgetEvents(database, ...old), at)
  if (servers + lines > 0) log.info({ servers, lines }, 'old rows are removed')
}
