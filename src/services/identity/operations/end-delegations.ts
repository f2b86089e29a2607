/** Application credentials end with the role assignments that they were made from; a later grant does not revive them. */
import { deleteApplicationCredentialsOf } from '../store/application-credentials.ts'
import { listRows, type IdentityDb } from '../store/rows.ts'

/** After an assignment is gone: whoever had it, himself or by a group, loses his application credentials there. */
export async function endDelegationsOf(
  tx: IdentityDb,
  assignment: { actor_type: string; actor_id: string; target_type: string; target_id: string },
): Promise<void> {
  if (assignment.target_type === 'system') return
  const userIds =
    assignment.actor_type === 'user'
      ? [assignment.actor_id]
      : (await listRows(tx, 'memberships', { group_id: assignment.actor_id })).map((row) => row.user_id)
  // An inherited assignment may stand on a domain or a parent: then every project below is concerned.
  await deleteApplicationCredentialsOf(tx, {
    user_id: userIds,
    ...(assignment.target_type === 'project' && { project_id: assignment.target_id }),
  })
}
