import { Forbidden } from '../../../../platform/errors.ts'
import type { ApiRequest, Method } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import type { IdentityDeps } from '../../deps.ts'
import { IdentityNotFound } from '../../errors.ts'
import { endDelegationsOf } from '../../operations/end-delegations.ts'
import { policy } from '../../policies.ts'
import { memberOf } from '../../store/listing.ts'
import { groupIdsOf } from '../../store/roles.ts'
import { deleteRows, findRow, insertRow, listRows, type Row } from '../../store/rows.ts'
import { answerListing, ofOwnDomain } from '../kit/listing.ts'
import { users } from '../users/resource.ts'
import { groupEntityRoutes } from './resource.ts'
import { linked, listAnswer } from '../answers.ts'

/** Group and user of a membership route, with the caller's right to it checked. */
async function members(
  { ctx, params }: ApiRequest<unknown, { id: string; user_id?: string }>,
  deps: IdentityDeps,
  rule: string,
) {
  const { db } = deps.database
  if (params.user_id !== undefined) await deps.residents.refreshUser(params.user_id)
  await deps.residents.refreshGroup(params.id)
  const group = await findRow(db, 'groups', { id: params.id })
  const user = params.user_id === undefined ? undefined : await findRow(db, 'users', { id: params.user_id })
  ctx.authorize(policy(rule), {
    target: {
      ...(group && { group: { id: group.id, domain_id: group.domain_id } }),
      ...(user && { user: { id: user.id, domain_id: user.domain_id } }),
    },
  })
  if (!group) throw new IdentityNotFound('group', params.id)
  if (params.user_id !== undefined && !user) throw new IdentityNotFound('user', params.user_id)
  return { groupId: group.id, userId: user?.id ?? '', group, user }
}

const listMembers = route({
  method: 'GET',
  path: '/groups/:id/users',
  policy: policy('list_users_in_group'),
  answer: listAnswer('users', linked(users.answer)),
  async handle(request, deps) {
    const { groupId } = await members(request, deps, 'list_users_in_group')
    await deps.residents.listMembers(groupId)
    return answerListing(users, request, deps, [memberOf({ group_id: groupId }), ...ofOwnDomain(users, request.ctx)])
  },
})

const memberRoute = (
  method: Method,
  rule: string,
  act: (deps: IdentityDeps, groupId: string, userId: string) => Promise<void>,
) =>
  route({
    method,
    path: '/groups/:id/users/:user_id',
    policy: policy(rule),
    answer: { 204: null },
    async handle(request, deps) {
      const { groupId, userId, group, user } = await members(request, deps, rule)
      if (method !== 'GET' && user) await requireOwnGroup(deps, group, user)
      await act(deps, groupId, userId)
      if (method !== 'GET') deps.changed()
      return { status: 204 }
    },
  })

/** Groups of a directory have the members that it says, and groups of the database have no members from elsewhere. */
async function requireOwnGroup(deps: IdentityDeps, group: Row<'groups'>, user: Row<'users'>) {
  const [home, other] = [await deps.directories.of(group.domain_id), await deps.directories.of(user.domain_id)]
  if (home !== other)
    throw new Forbidden(
      `Group membership across backend boundaries is not allowed. Group in question is ${group.id}, user is ${user.id}.`,
    )
  if (home) await deps.residents.requireWritable(group.domain_id)
}

const requireMember = async ({ database: { db } }: IdentityDeps, groupId: string, userId: string) => {
  const isMember = (await groupIdsOf(db, userId)).includes(groupId)
  if (!isMember) {
    throw new IdentityNotFound('user', `${userId} in group ${groupId}`)
  }
}

export const groupRoutes = [
  ...groupEntityRoutes,
  listMembers,
  memberRoute('PUT', 'add_user_to_group', async ({ database: { db } }, group_id, user_id) => {
    await insertRow(db, 'memberships', { group_id, user_id })
  }),
  memberRoute('GET', 'check_user_in_group', requireMember),
  memberRoute('DELETE', 'remove_user_from_group', async (deps, group_id, user_id) => {
    await requireMember(deps, group_id, user_id)
    await deps.database.transaction(async (tx) => {
      await deleteRows(tx, 'memberships', { group_id, user_id })
      // What he made with the group's roles ends with them.
      const lost = await listRows(tx, 'assignments', { actor_id: group_id })
      for (const assignment of lost)
        await endDelegationsOf(tx, { ...assignment, actor_type: 'user', actor_id: user_id })
    })
  }),
]
