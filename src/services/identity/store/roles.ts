import { ancestorsOf } from './project-tree.ts'
import { findRow, type IdentityDb, type Row } from './rows.ts'

export interface RoleRef {
  id: string
  name: string
}

export type TargetType = 'project' | 'domain' | 'system'

/** Groups of a user. */
export async function groupIdsOf(db: IdentityDb, userId: string): Promise<string[]> {
  const rows = await db.selectFrom('memberships').select('group_id').where('user_id', '=', userId).execute()
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

/** Projects or domains on which a user has a role. */
export async function targetsOf(db: IdentityDb, userId: string, isDomain: boolean): Promise<Row<'projects'>[]> {
  const actors = [userId, ...(await groupIdsOf(db, userId))]
  const rows = await db
    .selectFrom('assignments')
    .selectAll()
    .where('actor_id', 'in', [...actors])
    .where('target_type', '!=', 'system')
    .execute()
  const direct = new Set(rows.filter((row) => row.inherited === 0).map((row) => row.target_id))
  const roots = rows.filter((row) => row.inherited === 1).map((row) => row.target_id)
  const all = await db
    .selectFrom('projects')
    .selectAll()
    .where('is_domain', '=', isDomain ? 1 : 0)
    .orderBy('id')
    .execute()
  if (!isDomain && roots.length > 0) {
    const parents = new Map(all.map((project) => [project.id, project.parent_id ?? project.domain_id]))
    for (const project of all) {
      for (let at = parents.get(project.id); at; at = parents.get(at)) if (roots.includes(at)) direct.add(project.id)
    }
  }
  return all.filter((row) => direct.has(row.id))
}

/** Endpoints with their services, for the catalog. */
export async function listCatalog(db: IdentityDb) {
  return db
    .selectFrom('endpoints')
    .innerJoin('services', 'services.id', 'endpoints.service_id')
    .select([
      'endpoints.id',
      'endpoints.interface',
      'endpoints.region_id',
      'endpoints.url',
      'services.id as service_id',
      'services.type',
      'services.name',
    ])
    .where('endpoints.enabled', '=', 1)
    .where('services.enabled', '=', 1)
    .orderBy('services.type')
    .execute()
}
