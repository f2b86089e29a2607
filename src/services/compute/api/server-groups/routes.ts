import { randomUUID } from 'node:crypto'
import { Type } from 'typebox'
import type { Context } from '../../../../platform/auth/context.ts'
import { exactly, since, until, type Shown } from '../../../../platform/http/answers.ts'
import { rule, type Rule } from '../../../../platform/auth/policy.ts'
import { lockOwner } from '../../../../platform/db/owner-lock.ts'
import { route } from '../route.ts'
import { bodies } from '../../../../platform/http/schema.ts'
import type { ApiVersion } from '../../../../platform/http/versions.ts'
import type { ComputeDeps } from '../../deps.ts'
import { Invalid, Forbidden, NotFound } from '../../errors.ts'
import { limitsOf } from '../../operations/quotas.ts'
import {
  countGroups,
  deleteGroup,
  findGroup,
  insertGroup,
  listGroups,
  membersOf,
  type ServerGroup,
} from '../../store/server-groups.ts'
import { number, text as shownText, texts } from '../answers.ts'
import { admin, memberOrAdmin, readerOrAdmin } from '../base-policy.ts'
import { many, name, nonNegativeInteger, positiveInteger, query, strict, text } from '../parameter-types.ts'
import { offsetOf } from '../paging.ts'

const index = rule(
  'os_compute_api:os-server-groups:index',
  readerOrAdmin,
  'List server groups',
  'GET /os-server-groups',
)
const indexAll = rule(
  'os_compute_api:os-server-groups:index:all_projects',
  admin,
  'List server groups of all projects',
  'GET /os-server-groups',
)
const show = rule(
  'os_compute_api:os-server-groups:show',
  readerOrAdmin,
  'Show a server group',
  'GET /os-server-groups/{server_group_id}',
)
const create = rule(
  'os_compute_api:os-server-groups:create',
  memberOrAdmin,
  'Create a server group',
  'POST /os-server-groups',
)
const remove = rule(
  'os_compute_api:os-server-groups:delete',
  memberOrAdmin,
  'Delete a server group',
  'DELETE /os-server-groups/{server_group_id}',
)
export const serverGroupRules: readonly Rule[] = [index, indexAll, show, create, remove]

const hard = ['anti-affinity', 'affinity']
const all = [...hard, 'soft-anti-affinity', 'soft-affinity']
const withPolicies = (words: string[]) => ({
  name,
  policies: Type.Array(Type.Enum(words), { minItems: 1, maxItems: 1 }),
})
const rules = Type.Object({ max_server_per_host: Type.Optional(positiveInteger) }, strict)
const withPolicy = { name, policy: Type.Enum(all), rules: Type.Optional(rules) }
const widest = Type.Object({
  server_group: Type.Object({
    name,
    policies: Type.Optional(Type.Array(Type.String())),
    policy: Type.Optional(Type.String()),
    rules: Type.Optional(rules),
  }),
})
const createBody = bodies(widest, [
  ['initial', Type.Object({ server_group: Type.Object(withPolicies(hard), strict) }, strict)],
  ['server-group-soft', Type.Object({ server_group: Type.Object(withPolicies(all), strict) }, strict)],
  ['server-group-policy', Type.Object({ server_group: Type.Object(withPolicy, strict) }, strict)],
])

const shown = exactly({
  id: shownText,
  name: shownText,
  members: texts,
  policies: until('server-group-policy', texts),
  metadata: until('server-group-policy', exactly({})),
  policy: since('server-group-policy', shownText),
  rules: since('server-group-policy', exactly({ max_server_per_host: Type.Optional(number) })),
  project_id: since('server-group-owner', shownText),
  user_id: since('server-group-owner', shownText),
})
const answer = { 200: exactly({ server_group: shown }) }

const view = (group: ServerGroup, members: readonly { id: string }[], version: ApiVersion): Shown<typeof shown> => ({
  id: group.id,
  name: group.name,
  members: members.map(({ id }) => id),
  ...(version.has('server-group-policy')
    ? { policy: group.policy, rules: group.rules }
    : { policies: [group.policy], metadata: {} }),
  ...(version.has('server-group-owner') && { project_id: group.projectId, user_id: group.userId }),
})

async function find(ctx: Context, { database }: ComputeDeps, id: string, what: Rule): Promise<ServerGroup> {
  const group = await findGroup(database.db, id)
  const target = { project_id: group?.projectId, user_id: group?.userId }
  if (!group || (group.projectId !== ctx.projectId && !ctx.can(what, target)))
    throw new NotFound(`Instance group ${id} could not be found.`)
  ctx.authorize(what, target)
  return group
}

export const serverGroupRoutes = [
  route({
    method: 'GET',
    path: '/os-server-groups',
    policy: [index, indexAll],
    query: query({ all_projects: text, limit: many(nonNegativeInteger), offset: many(nonNegativeInteger) }),
    answer: { 200: exactly({ server_groups: Type.Array(shown) }) },
    async handle({ ctx, query: asked, version }, { database, config }) {
      ctx.authorize(index, { project_id: ctx.projectId })
      const isAll = Object.hasOwn(asked, 'all_projects') && ctx.can(indexAll)
      const page = await listGroups(database.db, isAll ? null : (ctx.projectId ?? ''), offsetOf(asked, config.maxLimit))
      const members = await membersOf(
        database.db,
        page.map(({ id }) => id),
      )
      return {
        status: 200,
        body: { server_groups: page.map((group) => view(group, members.get(group.id) ?? [], version)) },
      }
    },
  }),
  route({
    method: 'POST',
    path: '/os-server-groups',
    policy: create,
    body: createBody,
    answer,
    async handle({ ctx, version, body }, { database, config, now }) {
      ctx.authorize(create, { project_id: ctx.projectId })
      const {
        name: wanted,
        policy = body.server_group.policies?.[0] ?? 'anti-affinity',
        rules: asked,
      } = body.server_group
      const most = asked?.max_server_per_host
      if (most !== undefined && policy !== 'anti-affinity') {
        throw new Invalid('Only anti-affinity policy supports rules.')
      }
      const group: ServerGroup = {
        id: randomUUID(),
        projectId: ctx.projectId ?? '',
        userId: ctx.userId,
        name: wanted,
        policy,
        rules: most === undefined ? {} : { max_server_per_host: Number(most) },
      }
      await database.transaction(async (tx) => {
        await lockOwner(database, tx, group.projectId)
        const limit = (await limitsOf(tx, config, group.projectId))['server_groups'] ?? -1
        if (limit >= 0 && (await countGroups(tx, group.projectId)) >= limit)
          throw new Forbidden('Quota exceeded, too many server groups.')
        await insertGroup(tx, group, now())
      })
      return { status: 200, body: { server_group: view(group, [], version) } }
    },
  }),
  route({
    method: 'GET',
    path: '/os-server-groups/:id',
    policy: show,
    answer,
    async handle({ ctx, params, version }, deps) {
      const group = await find(ctx, deps, params.id, show)
      const members = (await membersOf(deps.database.db, [group.id])).get(group.id) ?? []
      return { status: 200, body: { server_group: view(group, members, version) } }
    },
  }),
  route({
    method: 'DELETE',
    path: '/os-server-groups/:id',
    policy: remove,
    answer: { 204: null },
    async handle({ ctx, params }, deps) {
      const group = await find(ctx, deps, params.id, remove)
      await deleteGroup(deps.database.db, group.id)
      return { status: 204 }
    },
  }),
]
