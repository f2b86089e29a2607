import type { Effective } from '../../model/assignments.ts'
import { namesOf } from '../../store/assignments.ts'
import type { IdentityDb } from '../../store/rows.ts'
import { Type } from 'typebox'
import { exactly, type Shown } from '../../../../platform/http/answers.ts'
import { boolean, pageLinks, ref, text } from '../answers.ts'

/** Names of whatever a listing mentions, looked up in one query for each kind. */
export async function readNames(db: IdentityDb, rows: readonly Effective[]) {
  const ids = (is: (row: Effective) => boolean, of: 'actor_id' | 'target_id' | 'role_id') =>
    rows.filter(is).map((row) => row[of])
  const users = await namesOf(
    db,
    'users',
    ids((row) => row.actor_type === 'user', 'actor_id'),
  )
  const groups = await namesOf(
    db,
    'groups',
    ids((row) => row.actor_type === 'group', 'actor_id'),
  )
  const roles = await namesOf(
    db,
    'roles',
    ids(() => true, 'role_id'),
  )
  const targets = await namesOf(
    db,
    'projects',
    ids((row) => row.target_type !== 'system', 'target_id'),
  )
  const domainIds = [users, groups, roles, targets].flatMap((kind) => [...kind.values()].map((row) => row.domain_id))
  const domains = await namesOf(
    db,
    'projects',
    domainIds.filter((id) => id !== ''),
  )
  return { users, groups, roles, targets, domains }
}

export type Names = Awaited<ReturnType<typeof readNames>>

const named = exactly({ id: text, name: Type.Optional(text), domain: Type.Optional(ref) })
const assignmentAnswer = exactly({
  role: named,
  user: Type.Optional(named),
  group: Type.Optional(named),
  scope: exactly({
    system: Type.Optional(exactly({ all: boolean })),
    project: Type.Optional(named),
    domain: Type.Optional(named),
    'OS-INHERIT:inherited_to': Type.Optional(text),
  }),
  links: exactly({ assignment: text, membership: Type.Optional(text), prior_role: Type.Optional(text) }),
})
export const assignmentsAnswer = exactly({ role_assignments: Type.Array(assignmentAnswer), links: pageLinks })

/** An assignment as the API shows it, with names where they were read. */
export function viewAssignment(row: Effective, baseUrl: string, names?: Names): Shown<typeof assignmentAnswer> {
  const entity = (id: string, kind: 'users' | 'groups' | 'roles' | 'targets') => {
    if (!names) return { id }
    const found = names[kind].get(id) ?? { name: '', domain_id: '' }
    const domain = { id: found.domain_id, name: names.domains.get(found.domain_id)?.name ?? '' }
    const hasDomain = found.domain_id !== '' || kind === 'users' || kind === 'groups'
    return { id, name: found.name, ...(hasDomain && { domain }) }
  }
  const scope =
    row.target_type === 'system'
      ? { system: { all: true } }
      : {
          [row.target_type]: entity(row.target_id, 'targets'),
          ...(row.inherited === 1 && { 'OS-INHERIT:inherited_to': 'projects' }),
        }
  return {
    role: entity(row.role_id, 'roles'),
    [row.actor_type]: entity(row.actor_id, row.actor_type === 'user' ? 'users' : 'groups'),
    scope,
    links: linksOf(row, `${baseUrl}/v3`),
  }
}

/** Addresses of the grant that an entry comes from, and of what else it comes by. */
function linksOf(row: Effective, root: string) {
  const target = row.from ?? { type: row.target_type, id: row.target_id }
  const place = target.type === 'system' ? 'system' : `${target.type}s/${target.id}`
  const actor = row.viaGroup === undefined ? `${row.actor_type}s/${row.actor_id}` : `groups/${row.viaGroup}`
  const grant = `${place}/${actor}/roles/${row.priorRole ?? row.role_id}`
  return {
    assignment: row.inherited === 1 ? `${root}/OS-INHERIT/${grant}/inherited_to_projects` : `${root}/${grant}`,
    ...(row.viaGroup !== undefined && { membership: `${root}/groups/${row.viaGroup}/users/${row.actor_id}` }),
    // Keystone names the implied role first; kept, for it is what clients are used to.
    ...(row.priorRole !== undefined && { prior_role: `${root}/prior_role/${row.role_id}/implies/${row.priorRole}` }),
  }
}
