import type { IdentityDeps } from '../deps.ts'
import { forgetExpiredMemberships } from '../store/federated-users.ts'

/** So long a token may still count with a group whose time is over. */
export const membershipsMs = 5_000

/** Ends the group memberships of federated users whose time is over. */
export async function endExpiredMemberships(deps: IdentityDeps): Promise<void> {
  if ((await forgetExpiredMemberships(deps.database.db)) > 0) deps.changed()
}
