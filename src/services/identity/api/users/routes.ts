import { Type } from 'typebox'
import type { ApiRequest } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import type { IdentityDeps } from '../../deps.ts'
import { IdentityNotFound } from '../../errors.ts'
import { changeOwnPassword } from '../../operations/change-user.ts'
import { policy } from '../../policies.ts'
import { membershipEnds } from '../../store/federated-users.ts'
import { findRow, type IdentityDb, type Row } from '../../store/rows.ts'
import { memberOf } from '../../store/listing.ts'
import { targetsOf } from '../../store/roles.ts'
import { groups, viewGroup } from '../groups/resource.ts'
import { collection, withLinks } from '../links.ts'
import { projectAnswer, viewProjects } from '../projects/view.ts'
import { answerListing, ofOwnDomain } from '../kit/listing.ts'
import { kinds } from '../schema.ts'
import { isoMicros } from '../times.ts'
import { userEntityRoutes, users } from './resource.ts'
import { linked, listAnswer, nullableText, withFields } from '../answers.ts'

async function userOf({ ctx, params }: ApiRequest<unknown, { id: string }>, deps: IdentityDeps, rule: string) {
  const id = params.id
  await deps.residents.refreshUser(id)
  const row = await findRow(deps.database.db, 'users', { id })
  ctx.authorize(policy(rule), row ? users.target(row) : {})
  if (!row) throw new IdentityNotFound('user', id)
  return row
}

const changePassword = route({
  method: 'POST',
  path: '/users/:id/password',
  policy: null,
  auth: 'none', // the old password is the proof: an expired one may be changed without a token
  body: Type.Object({ user: Type.Object({ original_password: kinds.text, password: kinds.text }) }),
  answer: { 204: null },
  async handle({ params, peer, body: { user } }, deps) {
    await changeOwnPassword(deps, params.id, user.original_password, user.password, peer)
    deps.changed()
    return { status: 204 }
  },
})

const listGroups = route({
  method: 'GET',
  path: '/users/:id/groups',
  policy: policy('list_groups_for_user'),
  answer: listAnswer('groups', withFields(linked(groups.answer), { membership_expires_at: nullableText })),
  async handle(request, deps) {
    const user = await userOf(request, deps, 'list_groups_for_user')
    const ends = await membershipEnds(deps.database.db, user.id)
    const view = (row: Row<'groups'>) => {
      const end = ends.get(row.id)
      return { ...viewGroup(row), membership_expires_at: end === undefined ? null : isoMicros(end) }
    }
    const views = (_db: IdentityDb, rows: readonly Row<'groups'>[]) => Promise.resolve(rows.map(view))
    return answerListing({ ...groups, views }, request, deps, [
      memberOf({ user_id: user.id }),
      ...ofOwnDomain(groups, request.ctx),
    ])
  },
})

const listProjects = route({
  method: 'GET',
  path: '/users/:id/projects',
  policy: policy('list_user_projects'),
  answer: listAnswer('projects', linked(projectAnswer)),
  async handle(request, deps) {
    const user = await userOf(request, deps, 'list_user_projects')
    const rows = await targetsOf(deps.database.db, user.id, false)
    const views = await viewProjects(rows, deps)
    const items = views.map((view) => withLinks(request.baseUrl, 'projects', view))
    return collection('projects', items, request.baseUrl + request.url)
  },
})

export const userRoutes = [...userEntityRoutes, changePassword, listGroups, listProjects]
