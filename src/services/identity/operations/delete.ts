/** Removes users, groups, projects, roles and domains with everything that refers to them. */
import type { Database } from '../../../platform/db/database.ts'
import { deleteApplicationCredentialsOf } from '../store/application-credentials.ts'
import { idsWithin } from '../store/domains.ts'
import { deleteProjectFilters } from '../store/endpoint-filters.ts'
import { removeIdentityProvider } from '../store/federation.ts'
import { deleteRows, listRows, type IdentityDb } from '../store/rows.ts'
import type { IdentitySchema } from '../store/tables.ts'
import { endTrustsOf } from '../store/trusts.ts'
import { clearDefaultProjects } from '../store/users.ts'
import { endDelegationsOf } from './end-delegations.ts'
import { noteRevocation } from './revoke.ts'

/** Removes users with everything that refers to them. */
export async function deleteUsers(tx: IdentityDb, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await deleteRows(tx, 'assignments', { actor_id: ids })
  await deleteRows(tx, 'memberships', { user_id: ids })
  await deleteApplicationCredentialsOf(tx, { user_id: ids })
  for (const table of [
    'access_rules',
    'credentials',
    'password_history',
    'federated_users',
    'expiring_memberships',
  ] as const)
    await deleteRows(tx, table, { user_id: ids })
  for (const table of ['request_tokens', 'access_tokens'] as const)
    await deleteRows(tx, table, { authorizing_user_id: ids })
  await endTrustsOf(tx, 'trustor_user_id', ids)
  await endTrustsOf(tx, 'trustee_user_id', ids)
  for (const user_id of ids) await noteRevocation(tx, { user_id })
  await deleteRows(tx, 'users', { id: ids })
}

/** Removes projects with everything that refers to them. */
export async function deleteProjects(tx: IdentityDb, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await deleteRows(tx, 'assignments', { target_id: ids })
  await deleteProjectFilters(tx, ids)
  await deleteRows(tx, 'project_tags', { project_id: ids })
  await deleteApplicationCredentialsOf(tx, { project_id: ids })
  await deleteRows(tx, 'credentials', { project_id: ids })
  await deleteRows(tx, 'access_tokens', { project_id: ids })
  await deleteRows(tx, 'request_tokens', { requested_project_id: ids })
  await endTrustsOf(tx, 'project_id', ids)
  for (const project_id of ids) await noteRevocation(tx, { project_id })
  await deleteRows(tx, 'limits', { project_id: ids })
  await clearDefaultProjects(tx, ids)
  await deleteRows(tx, 'projects', { id: ids })
}

async function endDelegationsWhere(
  tx: IdentityDb,
  where: { actor_id: readonly string[] } | { role_id: readonly string[] },
) {
  for (const assignment of await listRows(tx, 'assignments', where)) await endDelegationsOf(tx, assignment)
}

/** Removes groups with their members and assignments. */
export async function deleteGroups(tx: IdentityDb, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await endDelegationsWhere(tx, { actor_id: ids })
  await deleteRows(tx, 'assignments', { actor_id: ids })
  for (const table of ['memberships', 'expiring_memberships'] as const) await deleteRows(tx, table, { group_id: ids })
  await deleteRows(tx, 'groups', { id: ids })
}

/** Removes roles with their assignments and implications. */
export async function deleteRoles(tx: IdentityDb, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await endDelegationsWhere(tx, { role_id: ids })
  await deleteRows(tx, 'assignments', { role_id: ids })
  await deleteRows(tx, 'implied_roles', { prior_role_id: ids })
  await deleteRows(tx, 'implied_roles', { implied_role_id: ids })
  await deleteRows(tx, 'roles', { id: ids })
}

/** Removes a domain and all that is in it, in one transaction. */
export function deleteDomain(database: Database<IdentitySchema>, id: string): Promise<void> {
  return database.transaction(async (tx) => {
    for (const provider of await idsWithin(tx, 'identity_providers', id))
      await deleteUsers(tx, await removeIdentityProvider(tx, provider))
    await deleteUsers(tx, await idsWithin(tx, 'users', id))
    await deleteGroups(tx, await idsWithin(tx, 'groups', id))
    await deleteRoles(tx, await idsWithin(tx, 'roles', id))
    await deleteProjects(tx, [...(await idsWithin(tx, 'projects', id)), id])
    await deleteRows(tx, 'limits', { domain_id: id })
    await deleteRows(tx, 'id_mappings', { domain_id: id })
    await deleteRows(tx, 'domain_options', { domain_id: id })
  })
}
