/** Assignments by what a listing asks for, and what is needed to expand them, each in one query. */
import { sql, type SqlBool } from 'kysely'
import type { Assignment } from '../model/assignments.ts'
import { toSql, type Filter } from './listing.ts'
import type { IdentityDb, Row } from './rows.ts'

export interface AssignmentFilter {
  roleId?: string | undefined
  /** Users and groups, by id. */
  actorIds?: readonly string[] | undefined
  targetType?: Assignment['target_type'] | undefined
  /** Assignments on these, and inherited ones on those; undefined for any. */
  targets?: { direct: readonly string[]; inherited: readonly string[] } | undefined
  inherited?: boolean | undefined
  /** Only what is about this domain and its projects. */
  withinDomain?: string | undefined
}

export async function listAssignmentRows(db: IdentityDb, filter: AssignmentFilter): Promise<Assignment[]> {
  const conditions: Filter[] = []
  const equals = (column: string, value: unknown) => conditions.push({ column, comparator: '=', value })
  if (filter.roleId !== undefined) equals('role_id', filter.roleId)
  if (filter.actorIds) conditions.push({ column: 'actor_id', comparator: 'in', value: filter.actorIds })
  if (filter.targetType) equals('target_type', filter.targetType)
  if (filter.inherited !== undefined) equals('inherited', Number(filter.inherited))
  if (filter.targets) {
    const { direct, inherited } = filter.targets
    const on = (ids: readonly string[]) => toSql({ column: 'target_id', comparator: 'in', value: ids })
    conditions.push({
      expression: sql<SqlBool>`((inherited = 0 and ${on(direct)}) or (inherited = 1 and ${on(inherited)}))`,
    })
  }
  if (filter.withinDomain !== undefined) {
    const projects = sql`select id from projects where domain_id = ${filter.withinDomain}`
    conditions.push({ expression: sql<SqlBool>`(target_id = ${filter.withinDomain} or target_id in (${projects}))` })
  }
  let query = db.selectFrom('assignments').selectAll()
  for (const condition of conditions) query = query.where(toSql(condition))
  return query.orderBy('target_id').orderBy('actor_id').orderBy('role_id').orderBy('inherited').execute()
}

/** The roles that one user or group was given on one target. */
export const rolesGranted = (
  db: IdentityDb,
  grant: Pick<Assignment, 'actor_id' | 'target_type' | 'target_id' | 'inherited'>,
): Promise<Row<'roles'>[]> =>
  db
    .selectFrom('assignments')
    .innerJoin('roles', 'roles.id', 'assignments.role_id')
    .selectAll('roles')
    .where('actor_id', '=', grant.actor_id)
    .where('target_id', '=', grant.target_id)
    .where('target_type', '=', grant.target_type)
    .where('inherited', '=', grant.inherited)
    .orderBy('roles.id')
    .execute()

/** Members of groups, by group. */
export async function membersOf(db: IdentityDb, groupIds: readonly string[]): Promise<Map<string, string[]>> {
  const rows = await inParts(groupIds, (part) =>
    db.selectFrom('memberships').selectAll().where('group_id', 'in', part).orderBy('user_id').execute(),
  )
  return groupBy(rows, 'group_id', 'user_id')
}

/** Every project below each of the targets, by target. */
export async function projectsBelowEach(db: IdentityDb, targetIds: readonly string[]): Promise<Map<string, string[]>> {
  const rows = await inParts(targetIds, (part) =>
    db
      .withRecursive('below(root, id)', (cte) =>
        cte
          .selectFrom('projects')
          .select(['parent_id as root', 'id'])
          .where('parent_id', 'in', part)
          .union(
            cte
              .selectFrom('projects')
              .innerJoin('below', 'below.id', 'projects.parent_id')
              .select(['below.root', 'projects.id']),
          ),
      )
      .selectFrom('below')
      .select(['root', 'id'])
      .orderBy('id')
      .execute(),
  )
  return groupBy(rows as { root: string; id: string }[], 'root', 'id')
}

export async function impliedRoles(db: IdentityDb): Promise<Map<string, string[]>> {
  return groupBy(await db.selectFrom('implied_roles').selectAll().execute(), 'prior_role_id', 'implied_role_id')
}

/** What each role of a domain implies is what counts; such roles themselves are in no token. */
export async function domainRoleIds(db: IdentityDb): Promise<Set<string>> {
  const rows = await db.selectFrom('roles').select('id').where('domain_id', '!=', '').execute()
  return new Set(rows.map((row) => row.id))
}

/** Name and domain of users, groups, projects (domains too) or roles, by id. */
export async function namesOf(
  db: IdentityDb,
  table: 'users' | 'groups' | 'projects' | 'roles',
  ids: Iterable<string>,
): Promise<Map<string, Pick<Row<'projects'>, 'id' | 'name' | 'domain_id'>>> {
  const rows = await inParts([...new Set(ids)], (part) =>
    db.selectFrom(table).select(['id', 'name', 'domain_id']).where('id', 'in', part).execute(),
  )
  return new Map(rows.map((row) => [row.id, row]))
}

/** As many ids as every engine takes as parameters of one query. */
const partSize = 1000

async function inParts<T>(ids: readonly string[], query: (part: string[]) => Promise<T[]>): Promise<T[]> {
  const found: T[] = []
  for (let at = 0; at < ids.length; at += partSize) found.push(...(await query(ids.slice(at, at + partSize))))
  return found
}

function groupBy<K extends string, V extends string>(
  rows: readonly Record<K | V, string>[],
  key: K,
  value: V,
): Map<string, string[]> {
  const groups = new Map<string, string[]>()
  for (const row of rows) {
    const group = groups.get(row[key])
    if (group) group.push(row[value])
    else groups.set(row[key], [row[value]])
  }
  return groups
}
