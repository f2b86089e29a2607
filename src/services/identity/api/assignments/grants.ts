/** Roles of users and groups on projects, domains and the system: list, check, grant, revoke. */
import type { PolicyTarget } from '../../../../platform/auth/policy.ts'
import { route, type ApiRequest, type Method, type Route } from '../../../../platform/http/route.ts'
import type { IdentityDeps } from '../../deps.ts'
import { IdentityNotFound } from '../../errors.ts'
import { endDelegationsOf } from '../../operations/end-delegations.ts'
import { policy } from '../../policies.ts'
import { deleteRows, findRow, insertRow, type Row } from '../../store/rows.ts'
import { collection, withLinks } from '../links.ts'
import { viewRole } from '../roles/resource.ts'

type Actor = 'user' | 'group'
type Target = 'project' | 'domain' | 'system'

interface Grant {
  actor: Actor
  actorId: string
  target: Target
  targetId: string
  role: Row<'roles'> | null
}

/** Looks everything up that the address names; the policy is checked before anything is said to be missing. */
async function resolve(
  request: ApiRequest<never>,
  { database: { db } }: IdentityDeps,
  actor: Actor,
  target: Target,
  rule: string,
): Promise<Grant> {
  const { ctx, params } = request
  const actorId = params['actor_id'] ?? ''
  const targetId = target === 'system' ? 'all' : (params['target_id'] ?? '')
  const roleId = params['role_id']
  const actorRow = await findRow(db, actor === 'user' ? 'users' : 'groups', { id: actorId })
  const targetRow = target === 'system' ? undefined : await findRow(db, 'projects', { id: targetId })
  const role = roleId === undefined ? undefined : await findRow(db, 'roles', { id: roleId })
  const facts: PolicyTarget = {
    target: {
      ...(actorRow && { [actor]: { id: actorId, domain_id: actorRow.domain_id } }),
      ...(targetRow && { [target]: { id: targetId, domain_id: targetRow.domain_id } }),
      ...(role && { role: { id: role.id, name: role.name, domain_id: role.domain_id === '' ? null : role.domain_id } }),
    },
  }
  ctx.authorize(policy(rule), facts)
  if (!actorRow) throw new IdentityNotFound(actor, actorId)
  if (target !== 'system' && !targetRow) throw new IdentityNotFound(target, targetId)
  if (roleId !== undefined && !role) throw new IdentityNotFound('role', roleId)
  return { actor, actorId, target, targetId, role: role ?? null }
}

const rowOf = (grant: Grant, inherited: number) => ({
  actor_type: grant.actor,
  actor_id: grant.actorId,
  target_type: grant.target,
  target_id: grant.targetId,
  role_id: grant.role!.id,
  inherited,
})

function grantRoutes(actor: Actor, target: Target, inherited: number): Route<IdentityDeps>[] {
  const place = target === 'system' ? '/system' : `/${target}s/:target_id`
  const base = `${inherited ? '/OS-INHERIT' : ''}${place}/${actor}s/:actor_id/roles`
  const end = inherited ? '/inherited_to_projects' : ''
  const rule = (verb: string, plural = '') =>
    target === 'system' ? `${verb}_system_grant${plural}_for_${actor}` : `${verb}_grant${plural}`
  const missing = (grant: Grant) =>
    new IdentityNotFound(
      'role assignment with role',
      `${grant.role!.id}, ${actor}: ${grant.actorId}, ${target}: ${grant.targetId}`,
    )

  const one = (method: Method, verb: string, act: (deps: IdentityDeps, grant: Grant) => Promise<void>) =>
    route({
      method,
      path: `${base}/:role_id${end}`,
      policy: policy(rule(verb)),
      async handle(request: ApiRequest<never>, deps: IdentityDeps) {
        await act(deps, await resolve(request, deps, actor, target, rule(verb)))
        return { status: 204 }
      },
    })

  const list = route({
    method: 'GET',
    path: base + end,
    policy: policy(rule('list', 's')),
    async handle(request: ApiRequest<never>, deps: IdentityDeps) {
      const grant = await resolve(request, deps, actor, target, rule('list', 's'))
      const { db } = deps.database
      const rows = await db
        .selectFrom('assignments')
        .innerJoin('roles', 'roles.id', 'assignments.role_id')
        .selectAll('roles')
        .where('actor_id', '=', grant.actorId)
        .where('target_id', '=', grant.targetId)
        .where('inherited', '=', inherited)
        .execute()
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

const actors: Actor[] = ['user', 'group']

export const grantRoutesOfAll = actors.flatMap((actor) => [
  ...grantRoutes(actor, 'project', 0),
  ...grantRoutes(actor, 'domain', 0),
  ...grantRoutes(actor, 'system', 0),
  ...grantRoutes(actor, 'project', 1),
  ...grantRoutes(actor, 'domain', 1),
])
