/** Application credentials end with the role assignments that they were made from; a later grant does not revive them. */
import type { IdentityDb } from '../store/rows.ts'

/** Deletes application credentials of users, on one project or on all, with their access rule links. */
export async function deleteApplicationCredentials(
  tx: IdentityDb,
  where: { userIds: readonly string[]; projectId?: string },
): Promise<void> {
  if (where.userIds.length === 0) return
  let query = tx
    .selectFrom('application_credentials')
    .select('id')
    .where('user_id', 'in', [...where.userIds])
  if (where.projectId !== undefined) query = query.where('project_id', '=', where.projectId)
  await deleteApplicationCredentialsById(
    tx,
    (await query.execute()).map((row) => row.id),
  )
}

/** Deletes application credentials, with those that were made by them and all their access rule links. */
export async function deleteApplicationCredentialsById(tx: IdentityDb, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  const made = await tx
    .selectFrom('application_credentials')
    .select('id')
    .where('parent_id', 'in', [...ids])
    .execute()
  await deleteApplicationCredentialsById(
    tx,
    made.map((row) => row.id),
  )
  await tx
    .deleteFrom('application_credential_access_rules')
    .where('application_credential_id', 'in', [...ids])
    .execute()
  await tx
    .deleteFrom('application_credentials')
    .where('id', 'in', [...ids])
    .execute()
}

/** After an assignment is gone: whoever had it, himself or by a group, loses his application credentials there. */
export async function endDelegationsOf(
  tx: IdentityDb,
  assignment: { actor_type: string; actor_id: string; target_type: string; target_id: string },
): Promise<void> {
  if (assignment.target_type === 'system') return
  const userIds =
    assignment.actor_type === 'user'
      ? [assignment.actor_id]
      : (
          await tx.selectFrom('memberships').select('user_id').where('group_id', '=', assignment.actor_id).execute()
        ).map((row) => row.user_id)
  // An inherited assignment may stand on a domain or a parent: then every project below is concerned.
  await deleteApplicationCredentials(tx, {
    userIds,
    ...(assignment.target_type === 'project' && { projectId: assignment.target_id }),
  })
}
