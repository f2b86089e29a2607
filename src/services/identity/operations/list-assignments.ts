/** Role assignments as they were made, or as they take effect. */
import type { IdentityDeps } from '../deps.ts'
import { IdentityNotFound } from '../errors.ts'
import { expand, type Effective } from '../model/assignments.ts'
import {
  domainRoleIds,
  impliedRoles,
  listAssignmentRows,
  membersOf,
  projectsBelowEach,
  type AssignmentFilter,
} from '../store/assignments.ts'
import { ancestorsOf, descendantsOf } from '../store/project-tree.ts'
import { findRow, type IdentityDb } from '../store/rows.ts'
import { groupIdsOf } from '../store/roles.ts'

export interface AssignmentQuery {
  roleId?: string | undefined
  userId?: string | undefined
  groupId?: string | undefined
  projectId?: string | undefined
  domainId?: string | undefined
  isSystem: boolean
  inherited?: boolean | undefined
  isEffective: boolean
  withSubtree: boolean
  withinDomain?: string | undefined
}

export async function listAssignments(deps: IdentityDeps, query: AssignmentQuery): Promise<Effective[]> {
  return query.isEffective ? effective(deps, query) : direct(deps.database.db, query)
}

async function direct(db: IdentityDb, query: AssignmentQuery): Promise<Effective[]> {
  const { userId, groupId, projectId, domainId } = query
  const actorId = userId ?? groupId
  const subtree = projectId !== undefined && query.withSubtree ? await descendantsOf(db, projectId) : []
  const targetId = projectId ?? domainId
  const targets = targetId === undefined ? undefined : [targetId, ...subtree.map((project) => project.id)]
  return listAssignmentRows(db, {
    roleId: query.roleId,
    actorIds: actorId === undefined ? undefined : [actorId],
    targetType: query.isSystem ? 'system' : undefined,
    targets: targets && { direct: targets, inherited: targets },
    inherited: query.inherited,
    withinDomain: query.withinDomain,
  })
}

async function effective({ database: { db }, residents }: IdentityDeps, query: AssignmentQuery): Promise<Effective[]> {
  const { userId, withinDomain } = query
  if (userId !== undefined && !(await findRow(db, 'users', { id: userId }))) throw new IdentityNotFound('user', userId)
  const place = await placeOf(db, query)
  const rows = await listAssignmentRows(db, {
    actorIds: userId === undefined ? undefined : [userId, ...(await groupIdsOf(db, userId))],
    targetType: query.isSystem ? 'system' : undefined,
    targets: place.targets,
    inherited: query.domainId === undefined ? query.inherited : false,
    withinDomain,
  })
  const counted = query.isSystem ? rows : rows.filter((row) => row.target_type !== 'system')
  const idsWhere = (is: (row: (typeof rows)[number]) => boolean, column: 'actor_id' | 'target_id') => [
    ...new Set(counted.filter(is).map((row) => row[column])),
  ]
  const groupIds = idsWhere((row) => row.actor_type === 'group', 'actor_id')
  if (userId === undefined) for (const id of groupIds) await residents.listMembers(id)
  const expanded = expand(counted, {
    members: await membersOf(db, groupIds),
    below: await projectsBelowEach(
      db,
      idsWhere((row) => row.inherited === 1, 'target_id'),
    ),
    implied: await impliedRoles(db),
  })
  const ofDomains = await domainRoleIds(db)
  return expanded.filter(
    (row) =>
      !ofDomains.has(row.role_id) &&
      (query.roleId === undefined || row.role_id === query.roleId) &&
      (userId === undefined || row.actor_id === userId) &&
      (place.shown === undefined || place.shown.has(row.target_id)),
  )
}

/** Where assignments that take effect on the asked target can have been made, and which targets are shown. */
async function placeOf(
  db: IdentityDb,
  { projectId, domainId, withSubtree }: AssignmentQuery,
): Promise<{ targets?: AssignmentFilter['targets']; shown?: Set<string> }> {
  if (domainId !== undefined) return { targets: { direct: [domainId], inherited: [] } }
  if (projectId === undefined) return {}
  const project = await findRow(db, 'projects', { id: projectId })
  if (!project) throw new IdentityNotFound('project', projectId)
  const above = (await ancestorsOf(db, project)).map((each) => each.id)
  const below = withSubtree ? (await descendantsOf(db, projectId)).map((each) => each.id) : []
  const shown = [projectId, ...below]
  return {
    targets: { direct: shown, inherited: withSubtree ? [...above, ...shown] : above },
    shown: new Set(shown),
  }
}
