import { ancestorsOf } from './project-tree.ts'
import { findRow, type IdentityDb, type Row } from './rows.ts'

export interface RoleRef {
  id: string
  name: string
}

export type TargetType = 'project' | 'domain' | 'system'

/** Groups of a user, those too that a login of his has asserted for a time. */
export async function groupIdsOf(db: IdentityDb, userId: string): Promise<string[]> {
  const rows = await db
    .selectFrom('memberships')
    .select('group_id')
    .where('user_id', '=', userId)
    .union(
      db
        .selectFrom('expiring_memberships')
        .select('group_id')
        .where('user_id', '=', userId)
        .where('expires_at', '>', Date.now()),
    )
    .execute()
  return rows.map((row) => row.group_id)
}

/** Adds what the roles imply, transitively. */
export async function withImplied(db: IdentityDb, roleIds: ReadonlySet<string>): Promise<Set<string>> {
  const all = new Set(roleIds)
  const pairs = await db.selectFrom('implied_roles').selectAll().execute()
  for (let grew = true; grew;) {
    grew = false
    for (const { prior_role_id, implied_role_id } of pairs) {
      if (!all.has(prior_role_id) || all.has(implied_role_id)) continue
      all.add(implied_role_id)
      grew = true
    }
  }
  return all
}

/** The roles that one role implies directly. */
export const rolesImpliedBy = (db: IdentityDb, roleId: string): Promise<RoleRef[]> =>
  db
    .selectFrom('implied_roles')
    .innerJoin('roles', 'roles.id', 'implied_roles.implied_role_id')
    .select(['roles.id', 'roles.name'])
    .where('prior_role_id', '=', roleId)
    .orderBy('roles.id')
    .execute()

/** The roles that a user has on a target: own and the groups', inherited and implied. */
export async function effectiveRoles(
  db: IdentityDb,
  userId: string,
  type: TargetType,
  targetId: string,
): Promise<RoleRef[]> {
  return rolesOfActors(db, [userId, ...(await groupIdsOf(db, userId))], type, targetId)
}

/** The roles that users and groups have together on a target, inherited and implied ones too. */
export async function rolesOfActors(
  db: IdentityDb,
  actors: readonly string[],
  type: TargetType,
  targetId: string,
): Promise<RoleRef[]> {
  const direct = await db
    .selectFrom('assignments')
    .select('role_id')
    .where('actor_id', 'in', [...actors])
    .where('target_type', '=', type)
    .where('target_id', '=', targetId)
    .where('inherited', '=', 0)
    .execute()
  const ids = new Set(direct.map((row) => row.role_id))
  if (type === 'project') {
    const target = await findRow(db, 'projects', { id: targetId })
    const above = target ? (await ancestorsOf(db, target)).map((row) => row.id) : []
    if (above.length > 0) {
      const inherited = await db
        .selectFrom('assignments')
        .select('role_id')
        .where('actor_id', 'in', [...actors])
        .where('target_id', 'in', above)
        .where('inherited', '=', 1)
        .execute()
      for (const row of inherited) ids.add(row.role_id)
    }
  }
  if (ids.size === 0) return []
  const all = await withImplied(db, ids)
  const roles = await db
    .selectFrom('roles')
    .select(['id', 'name', 'domain_id'])
    .where('id', 'in', [...all])
    .orderBy('name')
    .execute()
  // Domain-specific roles only stand for what they imply.
  return roles.filter((role) => role.domain_id === '').map(({ id, name }) => ({ id, name }))
}

/** Projects or domains on which a user has a role, himself or by a group; `groupIds`: further groups of his. */
export async function targetsOf(
  db: IdentityDb,
  userId: string,
  isDomain: boolean,
  groupIds: readonly string[] = [],
): Promise<Row<'projects'>[]> {
  const actors = [userId, ...(await groupIdsOf(db, userId)), ...groupIds]
  const own = db.selectFrom('assignments').select('target_id').where('actor_id', 'in', actors)
  const direct = own.where('inherited', '=', 0).where('target_type', '!=', 'system')
  if (isDomain) {
    return db
      .selectFrom('projects')
      .selectAll()
      .where('is_domain', '=', 1)
      .where('id', 'in', direct)
      .orderBy('id')
      .execute()
  }
  // An inherited role counts for every project below its target, not for the target.
  return db
    .withRecursive('below(id)', (cte) =>
      cte
        .selectFrom('projects')
        .select('projects.id')
        .where('parent_id', 'in', own.where('inherited', '=', 1))
        .union(cte.selectFrom('projects').innerJoin('below', 'below.id', 'projects.parent_id').select('projects.id')),
    )
    .selectFrom('projects')
    .selectAll()
    .where('is_domain', '=', 0)
    .where((where) => where.or([where('id', 'in', direct), where('id', 'in', where.selectFrom('below').select('id'))]))
    .orderBy('id')
    .execute()
}
