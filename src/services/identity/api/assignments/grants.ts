/** Roles of users and groups on projects, domains and the system: list, check, grant, revoke. */
import type { PolicyTarget } from '../../../../platform/auth/policy.ts'
import { Invalid, Forbidden, NotFound } from '../../../../platform/errors.ts'
import type { ApiRequest, Method, Route } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import type { IdentityDeps } from '../../deps.ts'
import { IdentityNotFound } from '../../errors.ts'
import { endDelegationsOf } from '../../operations/end-delegations.ts'
import { policy } from '../../policies.ts'
import { rolesGranted } from '../../store/assignments.ts'
import { deleteRows, findRow, insertRow, type Row } from '../../store/rows.ts'
import { collection, withLinks } from '../links.ts'
import { roleAnswer, viewRole } from '../roles/resource.ts'
import { linked, listAnswer } from '../answers.ts'

type Actor = 'user' | 'group'
type Target = 'project' | 'domain' | 'system'

interface Grant {
  actor: Actor
  actorId: string
  target: Target
  targetId: string
  targetDomainId: string
  role: Row<'roles'> | null
}

interface Kind {
  actor: Actor
  target: Target
  inherited: number
}

/** Looks everything up that the address names; the policy is checked before anything is said to be missing. */
async function resolve(
  { ctx, params }: ApiRequest<unknown, { actor_id: string; target_id?: string; role_id?: string }>,
  { database: { db } }: IdentityDeps,
  { actor, target }: Kind,
  rule: string,
  needsActor: boolean,
): Promise<Grant> {
  const actorId = params.actor_id
  const targetId = target === 'system' ? 'all' : (params.target_id ?? '')
  const roleId = params.role_id
  const actorRow = await findRow(db, actor === 'user' ? 'users' : 'groups', { id: actorId })
  const isDomain = target === 'domain' && { is_domain: 1 }
  const targetRow = target === 'system' ? undefined : await findRow(db, 'projects', { id: targetId, ...isDomain })
  const role = roleId === undefined ? undefined : await findRow(db, 'roles', { id: roleId })
  const facts: PolicyTarget = {
    target: {
      ...(actorRow && { [actor]: { id: actorId, domain_id: actorRow.domain_id } }),
      ...(targetRow && { [target]: { id: targetId, domain_id: targetRow.domain_id || null } }),
      ...(role && { role: { id: role.id, name: role.name, domain_id: role.domain_id || null } }),
    },
  }
  ctx.authorize(policy(rule), facts)
  if (roleId !== undefined && !role) throw new IdentityNotFound('role', roleId)
  if (!actorRow && needsActor) throw new IdentityNotFound(actor, actorId)
  if (target !== 'system' && !targetRow) throw new IdentityNotFound(target, targetId)
  return { actor, actorId, target, targetId, targetDomainId: targetRow?.domain_id ?? '', role: role ?? null }
}

const rowOf = (grant: Grant, inherited: number) => ({
  actor_type: grant.actor,
  actor_id: grant.actorId,
  target_type: grant.target,
  target_id: grant.targetId,
  role_id: grant.role!.id,
  inherited,
})

const missing = (grant: Grant) =>
  new NotFound(
    `Could not find role assignment with role: ${grant.role!.id}, user or group: ${grant.actorId}, project, domain, or system: ${grant.targetId}.`,
  )

/** A domain's role is for that domain and its projects: elsewhere nobody there has decided what it implies. */
function requireFittingRole({ role, target, targetId, targetDomainId }: Grant) {
  if (!role || role.domain_id === '') return
  if (target === 'system') {
    throw new Invalid(
      `Role ${role.id} is a domain-specific role. Unable to use a domain-specific role in a system assignment.`,
    )
  }
  if (target === 'project' && role.domain_id !== targetDomainId) {
    throw new Forbidden(`Project ${targetId} must be in the same domain as the role ${role.id} being assigned.`)
  }
  if (target === 'domain' && role.domain_id !== targetId)
    throw new Forbidden(`Domain ${targetId} must be the domain of the role ${role.id} being assigned.`)
}

function grantRoutes(kind: Kind): Route<IdentityDeps>[] {
  const { actor, target, inherited } = kind
  const place = target === 'system' ? '/system' : (`/${target}s/:target_id` as const)
  const base = `${inherited ? '/OS-INHERIT' : ''}${place}/${actor}s/:actor_id/roles` as const
  const end = inherited ? '/inherited_to_projects' : ''
  const rule = (verb: string, plural = '') =>
    target === 'system' ? `${verb}_system_grant${plural}_for_${actor}` : `${verb}_grant${plural}`

  const one = (method: Method, verb: string, act: (deps: IdentityDeps, grant: Grant) => Promise<void>) =>
    route({
      method,
      path: `${base}/:role_id${end}`,
      policy: policy(rule(verb)),
      answer: { 204: null },
      async handle(request, deps) {
        // What a deleted user or group still has can be taken away.
        await act(deps, await resolve(request, deps, kind, rule(verb), verb !== 'revoke'))
        return { status: 204 }
      },
    })

  const list = route({
    method: 'GET',
    path: `${base}${end}`,
    policy: policy(rule('list', 's')),
    answer: listAnswer('roles', linked(roleAnswer)),
    async handle(request, deps) {
      const grant = await resolve(request, deps, kind, rule('list', 's'), true)
      const rows = await rolesGranted(deps.database.db, {
        actor_id: grant.actorId,
        target_type: grant.target,
        target_id: grant.targetId,
        inherited,
      })
      return collection(
        'roles',
        rows.map((row) => withLinks(request.baseUrl, 'roles', viewRole(row))),
        request.baseUrl + request.url,
      )
    },
  })
  return [
    list,
    one('PUT', 'create', async (deps, grant) => {
      requireFittingRole(grant)
      await insertRow(deps.database.db, 'assignments', rowOf(grant, inherited))
      deps.changed()
    }),
    one('GET', 'check', async (deps, grant) => {
      if (!(await findRow(deps.database.db, 'assignments', rowOf(grant, inherited)))) throw missing(grant)
    }),
    one('DELETE', 'revoke', async (deps, grant) => {
      const row = rowOf(grant, inherited)
      await deps.database.transaction(async (tx) => {
        if ((await deleteRows(tx, 'assignments', row)) === 0) throw missing(grant)
        await endDelegationsOf(tx, row)
      })
      deps.changed()
    }),
  ]
}

const kinds: Omit<Kind, 'actor'>[] = [
  { target: 'project', inherited: 0 },
  { target: 'domain', inherited: 0 },
  { target: 'system', inherited: 0 },
  { target: 'project', inherited: 1 },
  { target: 'domain', inherited: 1 },
]

export const grantRoutesOfAll = (['user', 'group'] as const).flatMap((actor) =>
  kinds.flatMap((kind) => grantRoutes({ actor, ...kind })),
)
