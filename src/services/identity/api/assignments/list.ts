/** GET /v3/role_assignments with its filters; `effective` expands groups, implied and inherited roles. */
import { Invalid } from '../../../../platform/errors.ts'
import { last, type ApiRequest, type Query } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import type { IdentityDeps } from '../../deps.ts'
import { IdentityNotFound } from '../../errors.ts'
import { listAssignments, type AssignmentQuery } from '../../operations/list-assignments.ts'
import { policy } from '../../policies.ts'
import { findRow } from '../../store/rows.ts'
import { isFlagged } from '../paging.ts'
import { listTarget } from '../kit/listing.ts'
import { assignmentsAnswer, readNames, viewAssignment } from './view.ts'

/** What the query asks for. Throws 400 on filters that exclude each other. */
function readQuery(query: Query): AssignmentQuery {
  const value = (name: string) => last(query, name) || undefined
  const system = value('scope.system')
  const [user, group, project, domain] = ['user.id', 'group.id', 'scope.project.id', 'scope.domain.id'].map(value)
  const refuse = (text: string) => {
    throw new Invalid(text)
  }
  if (domain && project) refuse('Specify a domain or project, not both')
  if (domain && system) refuse('Specify system or domain, not both')
  if (project && system) refuse('Specify system or project, not both')
  if (user && group) refuse('Specify a user or group, not both')
  const isEffective = isFlagged(query, 'effective')
  const inheritedTo = last(query, 'scope.OS-INHERIT:inherited_to')
  const inherited = inheritedTo === undefined ? undefined : inheritedTo === 'projects'
  if (isEffective && group) refuse('Combining effective and group filter will always result in an empty list.')
  if (isEffective && inherited && domain) {
    refuse('Combining effective, domain and inherited filters will always result in an empty list.')
  }
  return {
    roleId: value('role.id'),
    userId: user,
    groupId: group,
    projectId: project,
    domainId: domain,
    isSystem: system === 'all',
    inherited,
    isEffective,
    withSubtree: isFlagged(query, 'include_subtree'),
  }
}

async function authorize({ ctx, query }: ApiRequest, { database: { db } }: IdentityDeps) {
  if (!isFlagged(query, 'include_subtree')) {
    ctx.authorize(policy('list_role_assignments'), listTarget(ctx))
    return
  }
  const rule = policy('list_role_assignments_for_tree')
  const id = last(query, 'scope.project.id') || undefined
  const project = id === undefined ? undefined : await findRow(db, 'projects', { id })
  ctx.authorize(
    rule,
    project ? { target: { domain_id: project.domain_id, project: { id, domain_id: project.domain_id } } } : {},
  )
  if (id === undefined) {
    throw new Invalid('scope.project.id must be specified if include_subtree is also specified')
  }
  if (!project) throw new IdentityNotFound('project', id)
}

export const listAssignmentsRoute = route({
  method: 'GET',
  path: '/role_assignments',
  policy: [policy('list_role_assignments'), policy('list_role_assignments_for_tree')],
  answer: { 200: assignmentsAnswer },
  async handle(request, deps) {
    const { ctx, query, baseUrl, url } = request
    await authorize(request, deps)
    const rows = await listAssignments(deps, { ...readQuery(query), withinDomain: ctx.domainId ?? undefined })
    const names = isFlagged(query, 'include_names') ? await readNames(deps.database.db, rows) : undefined
    const shown = rows.map((row) => viewAssignment(row, baseUrl, names))
    return {
      status: 200,
      body: { role_assignments: shown, links: { self: baseUrl + url, next: null, previous: null } },
    }
  },
})
