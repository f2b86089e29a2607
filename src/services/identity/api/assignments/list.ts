/** GET /v3/role_assignments with its filters; `effective` expands groups, implied and inherited roles. */
import { last, route, type ApiRequest, type Query } from '../../../../platform/http/route.ts'
import type { IdentityDeps } from '../../deps.ts'
import { policy } from '../../policies.ts'
import { isTrue } from '../paging.ts'
import { listRows, type IdentityDb, type Row } from '../../store/rows.ts'

type Assignment = Row<'assignments'>
type Expanded = Assignment & { viaGroup?: string; priorRole?: string; fromTarget?: { type: string; id: string } }

const flag = (query: Query, name: string) => {
  const value = last(query, name)
  return value !== undefined && isTrue(value)
}

export const listAssignments = route({
  method: 'GET',
  path: '/role_assignments',
  policy: policy('list_role_assignments'),
  async handle({ ctx, query, baseUrl, url }: ApiRequest<never>, { database: { db } }: IdentityDeps) {
    ctx.authorize(policy('list_role_assignments'), { target: { domain_id: ctx.domainId } })
    const names = await readNames(db)
    let rows: Expanded[] = await listRows(db, 'assignments')
    if (flag(query, 'effective')) rows = await expand(db, rows, names)
    const inDomain = (row: Expanded) =>
      ctx.domainId === null ||
      ctx.isAdmin ||
      row.target_id === ctx.domainId ||
      names.projects.get(row.target_id)?.domain_id === ctx.domainId
    const shown = rows.filter((row) => matches(row, query) && inDomain(row))
    const withNames = flag(query, 'include_names')
    const body = shown.map((row) => view(row, names, withNames, baseUrl))
    return { status: 200, body: { role_assignments: body, links: { self: baseUrl + url, next: null, previous: null } } }
  },
})

function matches(row: Expanded, query: Query): boolean {
  const is = (name: string, value: string | undefined) => {
    const wanted = last(query, name)
    return wanted === undefined || wanted === value
  }
  return (
    is('user.id', row.actor_type === 'user' ? row.actor_id : undefined) &&
    is('group.id', row.viaGroup ?? (row.actor_type === 'group' ? row.actor_id : undefined)) &&
    is('role.id', row.role_id) &&
    is('scope.project.id', row.target_type === 'project' ? row.target_id : undefined) &&
    is('scope.domain.id', row.target_type === 'domain' ? row.target_id : undefined) &&
    (last(query, 'scope.system') === undefined || row.target_type === 'system') &&
    (last(query, 'scope.OS-INHERIT:inherited_to') === undefined || row.inherited === 1)
  )
}

interface Names {
  users: Map<string, Row<'users'>>
  groups: Map<string, Row<'groups'>>
  roles: Map<string, Row<'roles'>>
  projects: Map<string, Row<'projects'>>
}

async function readNames(db: IdentityDb): Promise<Names> {
  const byId = <T extends { id: string }>(rows: T[]) => new Map(rows.map((row) => [row.id, row]))
  return {
    users: byId(await listRows(db, 'users')),
    groups: byId(await listRows(db, 'groups')),
    roles: byId(await listRows(db, 'roles')),
    projects: byId(await listRows(db, 'projects')),
  }
}

async function expand(db: IdentityDb, rows: readonly Assignment[], names: Names): Promise<Expanded[]> {
  const memberships = await listRows(db, 'memberships')
  const implied = await listRows(db, 'implied_roles')
  const users = rows.flatMap((row): Expanded[] =>
    row.actor_type === 'user'
      ? [row]
      : memberships
          .filter((each) => each.group_id === row.actor_id)
          .map((each) => ({ ...row, actor_type: 'user' as const, actor_id: each.user_id, viaGroup: row.actor_id })),
  )
  const direct = users.flatMap((row) => (row.inherited === 1 ? inheritors(row, names) : [row]))
  const all = new Map<string, Expanded>()
  const add = (row: Expanded) => {
    const key = [row.actor_id, row.target_type, row.target_id, row.role_id].join()
    if (all.has(key)) return
    all.set(key, row)
    for (const each of implied) {
      if (each.prior_role_id === row.role_id) add({ ...row, role_id: each.implied_role_id, priorRole: row.role_id })
    }
  }
  for (const row of direct) add(row)
  return [...all.values()]
}

/** An inherited assignment stands for one on every project below. */
function inheritors(row: Expanded, names: Names): Expanded[] {
  const isBelow = (project: Row<'projects'>) => {
    for (let at: string | null = project.parent_id; at !== null; at = names.projects.get(at)?.parent_id ?? null) {
      if (at === row.target_id) return true
    }
    return project.domain_id === row.target_id
  }
  return [...names.projects.values()]
    .filter((project) => project.is_domain === 0 && isBelow(project))
    .map((project) => ({
      ...row,
      inherited: 0,
      target_type: 'project' as const,
      target_id: project.id,
      fromTarget: { type: row.target_type, id: row.target_id },
    }))
}

function view(row: Expanded, names: Names, withNames: boolean, baseUrl: string) {
  const domainRef = (id: string) => ({ domain: { id, name: names.projects.get(id)?.name ?? id } })
  const named = (id: string, from: Map<string, { name: string; domain_id: string }>, withDomain = true) => {
    const found = from.get(id)
    if (!withNames || !found) return { id }
    return { id, name: found.name, ...(withDomain && found.domain_id !== '' && domainRef(found.domain_id)) }
  }
  const inherit = row.inherited === 1 && { 'OS-INHERIT:inherited_to': 'projects' }
  const scope =
    row.target_type === 'system'
      ? { system: { all: true } }
      : { [row.target_type]: named(row.target_id, names.projects, row.target_type === 'project'), ...inherit }
  const place = row.target_type === 'system' ? 'system' : `${row.target_type}s/${row.target_id}`
  return {
    role: named(row.role_id, names.roles),
    [row.actor_type]: named(row.actor_id, row.actor_type === 'user' ? names.users : names.groups),
    scope,
    links: {
      assignment: `${baseUrl}/v3/${place}/${row.actor_type}s/${row.actor_id}/roles/${row.role_id}`,
      ...(row.viaGroup !== undefined && { membership: `${baseUrl}/v3/groups/${row.viaGroup}/users/${row.actor_id}` }),
      ...(row.priorRole !== undefined && {
        prior_role: `${baseUrl}/v3/prior_role/${row.priorRole}/implies/${row.role_id}`,
      }),
    },
  }
}
