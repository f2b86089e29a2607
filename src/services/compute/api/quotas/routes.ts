import { Type, type TObject, type TProperties, type TSchema } from 'typebox'
import { exactly, since, until } from '../../../../platform/http/answers.ts'
import { rule } from '../../../../platform/auth/policy.ts'
import { route } from '../route.ts'
import { bodies } from '../../../../platform/http/schema.ts'
import type { ApiVersion } from '../../../../platform/http/versions.ts'
import type { ComputeDeps } from '../../deps.ts'
import { Invalid } from '../../errors.ts'
import { requireProject } from '../../operations/projects.ts'
import { defaultsOf, limitsOf, type Limits } from '../../operations/quotas.ts'
import { defaultClass, deleteLimits, listLimits, saveLimit } from '../../store/quotas.ts'
import { countGroups } from '../../store/server-groups.ts'
import { usageOf } from '../../store/servers.ts'
import { number, text as shownText } from '../answers.ts'
import { admin, readerOrAdmin } from '../base-policy.ts'
import { isTrue } from '../links.ts'
import { boolean, integer, maxInt, query, strict, text } from '../parameter-types.ts'

const show = rule('os_compute_api:os-quota-sets:show', readerOrAdmin, 'Show a quota', 'GET /os-quota-sets/{tenant_id}')
const detail = rule(
  'os_compute_api:os-quota-sets:detail',
  readerOrAdmin,
  'Show a quota with usage',
  'GET /os-quota-sets/{tenant_id}/detail',
)
const defaults = rule(
  'os_compute_api:os-quota-sets:defaults',
  '@',
  'Show default quotas',
  'GET /os-quota-sets/{tenant_id}/defaults',
)
const update = rule('os_compute_api:os-quota-sets:update', admin, 'Update a quota', 'PUT /os-quota-sets/{tenant_id}')
const remove = rule(
  'os_compute_api:os-quota-sets:delete',
  admin,
  'Back to the defaults',
  'DELETE /os-quota-sets/{tenant_id}',
)
const classShow = rule(
  'os_compute_api:os-quota-class-sets:show',
  admin,
  'Show quotas of a class',
  'GET /os-quota-class-sets/{quota_class}',
)
const classUpdate = rule(
  'os_compute_api:os-quota-class-sets:update',
  admin,
  'Update quotas of a class',
  'PUT /os-quota-class-sets/{quota_class}',
)
export const quotaRules = [show, detail, defaults, update, remove, classShow, classUpdate]

const always = [
  'instances',
  'cores',
  'ram',
  'metadata_items',
  'key_pairs',
  'server_groups',
  'server_group_members',
] as const
const untilNoProxies = ['floating_ips', 'fixed_ips', 'security_groups', 'security_group_rules'] as const
const untilNoPersonality = ['injected_files', 'injected_file_content_bytes', 'injected_file_path_bytes'] as const

const shown = (version: ApiVersion): readonly (keyof Limits)[] => [
  ...always,
  ...(version.has('no-proxies') ? [] : untilNoProxies),
  ...(version.has('no-personality') ? [] : untilNoPersonality),
]

/** Classes lost the network's limits later, and had none for server groups until then. */
const shownOfClass = (version: ApiVersion): readonly string[] => {
  if (version.has('quota-class-server-groups')) return shown(version)
  const before = always.filter((name) => !name.startsWith('server_group'))
  return [...before, ...untilNoProxies, ...untilNoPersonality]
}

/** Their names are those of the version: see `shown` and `shownOfClass`. */
const answerOf = <S extends TSchema>(limit: S) => ({
  ...fieldsOf(always, limit),
  ...fieldsOf(untilNoProxies, until('no-proxies', limit)),
  ...fieldsOf(untilNoPersonality, until('no-personality', limit)),
})
const fieldsOf = (names: readonly string[], limit: TSchema) =>
  Object.fromEntries(names.map((limited) => [limited, limit]))
const classGroups = always.filter((limited) => limited.startsWith('server_group'))
const classAnswer = {
  ...answerOf(number),
  ...fieldsOf(classGroups, since('quota-class-server-groups', number)),
  ...fieldsOf(untilNoProxies, until('quota-class-server-groups', number)),
}
const usageAnswer = exactly({ limit: number, in_use: number, reserved: number })
const setAnswer = (fields: TProperties): { 200: TObject } => ({ 200: exactly({ quota_set: exactly(fields) }) })
const classSetAnswer = (fields: TProperties): { 200: TObject } => ({
  200: exactly({ quota_class_set: exactly(fields) }),
})

const limitsBody = (names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, Type.Optional(integer(-1, maxInt))]))
const setBody = (names: readonly string[]) =>
  Type.Object({ quota_set: Type.Object({ ...limitsBody(names), force: Type.Optional(boolean) }, strict) }, strict)
const everything = [...always, ...untilNoProxies, ...untilNoPersonality]
const withoutProxies = [...always, ...untilNoPersonality]
const updateBody = bodies(setBody(everything), [
  ['initial', setBody(everything)],
  ['no-proxies', setBody(withoutProxies)],
  ['no-personality', setBody(always)],
])
const classBodyOf = (names: readonly string[]) =>
  Type.Object({ quota_class_set: Type.Object(limitsBody(names), strict) }, strict)
const classBody = bodies(classBodyOf(everything), [
  ['initial', classBodyOf(everything)],
  ['quota-class-server-groups', classBodyOf(withoutProxies)],
  ['no-personality', classBodyOf(always)],
])
const userQuery = query({ user_id: text })

const pick = (all: Record<string, number>, names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, all[name]]))

async function save(deps: ComputeDeps, owner: string, set: object, used: Record<string, number> = {}): Promise<void> {
  const entries = Object.entries(set).filter(([name]) => name !== 'force')
  for (const [name, value] of entries) {
    const minimum = used[name] ?? 0
    if (Number(value) !== -1 && Number(value) < minimum)
      throw new Invalid(
        `Quota limit ${String(value)} for ${name} must be greater than or equal to already used and reserved ${minimum}.`,
      )
  }
  await deps.database.transaction(async (tx) => {
    for (const [name, value] of entries) await saveLimit(deps.database, tx, owner, name, Number(value))
  })
}

async function usedBy({ database: { db } }: ComputeDeps, projectId: string): Promise<Record<string, number>> {
  const [used, groups] = await Promise.all([usageOf(db, projectId), countGroups(db, projectId)])
  return { ...used, server_groups: groups }
}

async function classLimits({ database, config }: ComputeDeps): Promise<Record<string, number>> {
  return { ...defaultsOf(config), ...(await listLimits(database.db, [defaultClass])).get(defaultClass) }
}

export const quotaRoutes = [
  route({
    method: 'GET',
    path: '/os-quota-sets/:project',
    policy: show,
    query: userQuery,
    answer: setAnswer({ id: shownText, ...answerOf(number) }),
    async handle({ ctx, params, version }, deps) {
      const id = params.project
      ctx.authorize(show, { project_id: id })
      await requireProject(ctx, deps, id)
      return {
        status: 200,
        body: { quota_set: { id, ...pick(await limitsOf(deps.database.db, deps.config, id), shown(version)) } },
      }
    },
  }),
  route({
    method: 'GET',
    path: '/os-quota-sets/:project/detail',
    policy: detail,
    query: userQuery,
    answer: setAnswer({ id: shownText, ...answerOf(usageAnswer) }),
    async handle({ ctx, params, version }, deps) {
      const { db } = deps.database
      const { config } = deps
      const id = params.project
      ctx.authorize(detail, { project_id: id })
      await requireProject(ctx, deps, id)
      const [all, inUse] = await Promise.all([limitsOf(db, config, id), usedBy(deps, id)])
      const lines = shown(version).map((name) => [name, { limit: all[name], in_use: inUse[name] ?? 0, reserved: 0 }])
      return { status: 200, body: { quota_set: { id, ...Object.fromEntries(lines) } } }
    },
  }),
  route({
    method: 'GET',
    path: '/os-quota-sets/:project/defaults',
    policy: defaults,
    answer: setAnswer({ id: shownText, ...answerOf(number) }),
    async handle({ ctx, params, version }, deps) {
      ctx.authorize(defaults, { project_id: params.project })
      await requireProject(ctx, deps, params.project)
      return {
        status: 200,
        body: { quota_set: { id: params.project, ...pick(await classLimits(deps), shown(version)) } },
      }
    },
  }),
  route({
    method: 'PUT',
    path: '/os-quota-sets/:project',
    policy: update,
    query: userQuery,
    body: updateBody,
    answer: setAnswer(answerOf(number)),
    async handle({ ctx, params, version, body }, deps) {
      const id = params.project
      ctx.authorize(update, { project_id: id })
      await requireProject(ctx, deps, id)
      const isForced = isTrue(body.quota_set.force ?? false)
      await save(deps, id, body.quota_set, isForced ? {} : await usedBy(deps, id))
      return {
        status: 200,
        body: { quota_set: pick(await limitsOf(deps.database.db, deps.config, id), shown(version)) },
      }
    },
  }),
  route({
    method: 'DELETE',
    path: '/os-quota-sets/:project',
    policy: remove,
    query: userQuery,
    answer: { 202: null },
    async handle({ ctx, params }, { database }) {
      ctx.authorize(remove, { project_id: params.project })
      await deleteLimits(database.db, params.project)
      return { status: 202 }
    },
  }),
  route({
    method: 'GET',
    path: '/os-quota-class-sets/:name',
    policy: classShow,
    answer: classSetAnswer({ id: shownText, ...classAnswer }),
    async handle({ ctx, params, version }, deps) {
      ctx.authorize(classShow)
      return {
        status: 200,
        body: { quota_class_set: { id: params.name, ...pick(await classLimits(deps), shownOfClass(version)) } },
      }
    },
  }),
  route({
    method: 'PUT',
    path: '/os-quota-class-sets/:name',
    policy: classUpdate,
    body: classBody,
    answer: classSetAnswer(classAnswer),
    async handle({ ctx, params, version, body }, deps) {
      ctx.authorize(classUpdate)
      if (params.name !== 'default') throw new Invalid("Only the quota class 'default' has limits.")
      await save(deps, defaultClass, body.quota_class_set)
      return { status: 200, body: { quota_class_set: pick(await classLimits(deps), shownOfClass(version)) } }
    },
  }),
]
