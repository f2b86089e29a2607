import type { IdentityDeps } from '../deps.ts'
import { forgetExpiredMemberships } from '../store/federated-users.ts'

/** So long a token may still count with a group whose time is over. */
const everyMs = 5_000

/** Ends the group memberships of federated users when their time is over; the returned function stops that. */
export function endExpiredMemberships(deps: IdentityDeps): () => void {
  const look = async () => {
    if ((await forgetExpiredMemberships(deps.database.db)) > 0) deps.changed()
  }
  const failed = (error: unknown) => deps.log.warn({ err: error }, 'expired group memberships were not looked at')
  const timer = setInterval(() => void look().catch(failed), everyMs).unref()
  return () => clearInterval(timer)
}
