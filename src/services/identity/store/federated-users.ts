/** Users as identity providers know them, and what a login asserts about them. */
import { sql, type SqlBool } from 'kysely'
import type { Filter } from './listing.ts'
import { deleteRows, findRow, insertRow, listRows, type IdentityDb, type Row } from './rows.ts'

export type FederatedUser = Row<'federated_users'>

/** True for a user that exists only because an identity provider vouched for him. */
export const isShadowUser = async (db: IdentityDb, userId: string): Promise<boolean> =>
  (await findRow(db, 'federated_users', { user_id: userId, is_shadow: 1 })) !== undefined

export const federatedUsersOf = (db: IdentityDb, userId: string): Promise<FederatedUser[]> =>
  db
    .selectFrom('federated_users')
    .selectAll()
    .where('user_id', '=', userId)
    .orderBy('idp_id')
    .orderBy('protocol_id')
    .execute()

/** What an identity provider calls a user now. */
export async function renameFederatedUser(tx: IdentityDb, user: FederatedUser, displayName: string): Promise<void> {
  await tx
    .updateTable('federated_users')
    .set({ display_name: displayName })
    .where('idp_id', '=', user.idp_id)
    .where('protocol_id', '=', user.protocol_id)
    .where('unique_id', '=', user.unique_id)
    .execute()
}

/** A name that nobody else has in the domain: identity providers may give two users the same. */
export async function freeUserName(tx: IdentityDb, domainId: string, wanted: string, userId: string): Promise<string> {
  const name = wanted.slice(0, 255)
  const holder = await findRow(tx, 'users', { domain_id: domainId, name })
  return holder === undefined || holder.id === userId ? name : `${wanted.slice(0, 240)} (${userId.slice(0, 8)})`
}

/** The groups that a login asserts, until `expiresAt`; others of the same provider end. True when that changes any. */
export async function replaceExpiringMemberships(
  tx: IdentityDb,
  { userId, idpId }: { userId: string; idpId: string },
  groupIds: readonly string[],
  expiresAt: number,
): Promise<boolean> {
  const held = await tx
    .selectFrom('expiring_memberships')
    .select('group_id')
    .where('user_id', '=', userId)
    .where('idp_id', '=', idpId)
    .execute()
  const before = new Set(held.map((row) => row.group_id))
  const wanted = expiresAt > Date.now() ? groupIds : []
  await deleteRows(tx, 'expiring_memberships', { user_id: userId, idp_id: idpId })
  for (const group_id of wanted)
    await insertRow(tx, 'expiring_memberships', { user_id: userId, idp_id: idpId, group_id, expires_at: expiresAt })
  return wanted.length !== before.size || wanted.some((id) => !before.has(id))
}

/** When the memberships of a user end that a login has asserted, by group; those that last are not among them. */
export async function membershipEnds(db: IdentityDb, userId: string): Promise<Map<string, number>> {
  const rows = await db
    .selectFrom('expiring_memberships')
    .select(['group_id', 'expires_at'])
    .where('user_id', '=', userId)
    .where('group_id', 'not in', db.selectFrom('memberships').select('group_id').where('user_id', '=', userId))
    .execute()
  return new Map(rows.map((row) => [row.group_id, Number(row.expires_at)]))
}

/** Forgets memberships that are over; how many there were. */
export async function forgetExpiredMemberships(db: IdentityDb): Promise<number> {
  const now = Date.now()
  const over = await db
    .selectFrom('expiring_memberships')
    .select('user_id')
    .where('expires_at', '<=', now)
    .limit(1)
    .execute()
  if (over.length === 0) return 0
  const result = await db.deleteFrom('expiring_memberships').where('expires_at', '<=', now).executeTakeFirst()
  return Number(result.numDeletedRows)
}

/** Roles that a user himself was given on projects. */
export const projectGrantsOf = (tx: IdentityDb, userId: string): Promise<Row<'assignments'>[]> =>
  listRows(tx, 'assignments', { actor_id: userId, actor_type: 'user', target_type: 'project', inherited: 0 })

/** Users by how an identity provider knows them. */
export function federatedFilter(columns: Partial<Pick<FederatedUser, 'idp_id' | 'protocol_id' | 'unique_id'>>): Filter {
  const conditions = Object.entries(columns).map(([column, value]) => sql<SqlBool>`${sql.ref(column)} = ${value}`)
  return {
    expression: sql<SqlBool>`id in (select user_id from federated_users where ${sql.join(conditions, sql` and `)})`,
  }
}
