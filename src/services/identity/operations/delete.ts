/** Removes users, groups, projects, roles and domains with everything that refers to them. */
import type { Database } from '../../../platform/db/database.ts'
import { deleteProjectFilters } from '../store/endpoint-filters.ts'
import { removeIdentityProvider } from '../store/federation.ts'
import type { IdentityDb } from '../store/rows.ts'
import type { IdentitySchema } from '../store/tables.ts'
import { deleteApplicationCredentials, deleteApplicationCredentialsById, endDelegationsOf } from './end-delegations.ts'
import { noteRevocation } from './revoke.ts'

async function endTrusts(
  tx: IdentityDb,
  columns: readonly ('trustor_user_id' | 'trustee_user_id' | 'project_id')[],
  ids: readonly string[],
): Promise<void> {
  for (const column of columns) {
    await tx
      .updateTable('trusts')
      .set({ deleted_at: Date.now() })
      .where(column, 'in', [...ids])
      .where('deleted_at', 'is', null)
      .execute()
  }
}

/** Removes users with everything that refers to them. */
export async function deleteUsers(tx: IdentityDb, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await tx
    .deleteFrom('assignments')
    .where('actor_id', 'in', [...ids])
    .execute()
  await tx
    .deleteFrom('memberships')
    .where('user_id', 'in', [...ids])
    .execute()
  await deleteApplicationCredentials(tx, { userIds: ids })
  for (const table of [
    'access_rules',
    'credentials',
    'password_history',
    'federated_users',
    'expiring_memberships',
  ] as const) {
    await tx
      .deleteFrom(table)
      .where('user_id', 'in', [...ids])
      .execute()
  }
  for (const table of ['request_tokens', 'access_tokens'] as const) {
    await tx
      .deleteFrom(table)
      .where('authorizing_user_id', 'in', [...ids])
      .execute()
  }
  await endTrusts(tx, ['trustor_user_id', 'trustee_user_id'], ids)
  for (const user_id of ids) await noteRevocation(tx, { user_id })
  await tx
    .deleteFrom('users')
    .where('id', 'in', [...ids])
    .execute()
}

/** Removes projects with everything that refers to them. */
export async function deleteProjects(tx: IdentityDb, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await tx
    .deleteFrom('assignments')
    .where('target_id', 'in', [...ids])
    .execute()
  await deleteProjectFilters(tx, ids)
  await tx
    .deleteFrom('project_tags')
    .where('project_id', 'in', [...ids])
    .execute()
  const made = await tx
    .selectFrom('application_credentials')
    .select('id')
    .where('project_id', 'in', [...ids])
    .execute()
  await deleteApplicationCredentialsById(
    tx,
    made.map((row) => row.id),
  )
  await tx
    .deleteFrom('credentials')
    .where('project_id', 'in', [...ids])
    .execute()
  await tx
    .deleteFrom('access_tokens')
    .where('project_id', 'in', [...ids])
    .execute()
  await tx
    .deleteFrom('request_tokens')
    .where('requested_project_id', 'in', [...ids])
    .execute()
  await endTrusts(tx, ['project_id'], ids)
  for (const project_id of ids) await noteRevocation(tx, { project_id })
  await tx
    .deleteFrom('limits')
    .where('project_id', 'in', [...ids])
    .execute()
  await tx
    .updateTable('users')
    .set({ default_project_id: null })
    .where('default_project_id', 'in', [...ids])
    .execute()
  await tx
    .deleteFrom('projects')
    .where('id', 'in', [...ids])
    .execute()
}

async function endDelegationsWhere(tx: IdentityDb, column: 'actor_id' | 'role_id', ids: readonly string[]) {
  const gone = await tx
    .selectFrom('assignments')
    .selectAll()
    .where(column, 'in', [...ids])
    .execute()
  for (const assignment of gone) await endDelegationsOf(tx, assignment)
}

/** Removes groups with their members and assignments. */
export async function deleteGroups(tx: IdentityDb, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await endDelegationsWhere(tx, 'actor_id', ids)
  await tx
    .deleteFrom('assignments')
    .where('actor_id', 'in', [...ids])
    .execute()
  for (const table of ['memberships', 'expiring_memberships'] as const) {
    await tx
      .deleteFrom(table)
      .where('group_id', 'in', [...ids])
      .execute()
  }
  await tx
    .deleteFrom('groups')
    .where('id', 'in', [...ids])
    .execute()
}

/** Removes roles with their assignments and implications. */
export async function deleteRoles(tx: IdentityDb, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await endDelegationsWhere(tx, 'role_id', ids)
  await tx
    .deleteFrom('assignments')
    .where('role_id', 'in', [...ids])
    .execute()
  await tx
    .deleteFrom('implied_roles')
    .where('prior_role_id', 'in', [...ids])
    .execute()
  await tx
    .deleteFrom('implied_roles')
    .where('implied_role_id', 'in', [...ids])
    .execute()
  await tx
    .deleteFrom('roles')
    .where('id', 'in', [...ids])
    .execute()
}

/** Removes a domain and all that is in it, in one transaction. */
export function deleteDomain(database: Database<IdentitySchema>, id: string): Promise<void> {
  return database.transaction(async (tx) => {
    const idsOf = async (table: 'users' | 'groups' | 'projects' | 'roles') =>
      (await tx.selectFrom(table).select('id').where('domain_id', '=', id).execute()).map((row) => row.id)
    const providers = await tx.selectFrom('identity_providers').select('id').where('domain_id', '=', id).execute()
    for (const provider of providers) await deleteUsers(tx, await removeIdentityProvider(tx, provider.id))
    await deleteUsers(tx, await idsOf('users'))
    await deleteGroups(tx, await idsOf('groups'))
    await deleteRoles(tx, await idsOf('roles'))
    await deleteProjects(tx, [...(await idsOf('projects')), id])
    await tx.deleteFrom('limits').where('domain_id', '=', id).execute()
    await tx.deleteFrom('id_mappings').where('domain_id', '=', id).execute()
    await tx.deleteFrom('domain_options').where('domain_id', '=', id).execute()
  })
}
