import { randomUUID } from 'node:crypto'
import type { Context } from '../../../../platform/auth/context.ts'
import { isDuplicate } from '../../../../platform/db/database.ts'
import { last, type ApiRequest } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import type { ComputeDeps } from '../../deps.ts'
import { Invalid, Conflict, FlavorNotFound, NotFound } from '../../errors.ts'
import type { Flavor } from '../../model/flavor.ts'
import { checkExtraSpecs } from '../../operations/extra-specs.ts'
import { requireProject } from '../../operations/projects.ts'
import * as store from '../../store/flavors.ts'
import { textByName } from '../answers.ts'
import { isTrue, nextLink } from '../links.ts'
import { limitOf } from '../paging.ts'
import * as policy from './policy.ts'
import * as schema from './schema.ts'
import { viewFlavor, viewFlavorBrief } from './view.ts'

const mine = (ctx: Context) => ({ project_id: ctx.projectId })

async function find(ctx: Context, { database }: ComputeDeps, id: string): Promise<Flavor> {
  const flavor = await store.findFlavor(database.db, id, ctx)
  if (!flavor) throw new FlavorNotFound(id)
  return flavor
}

/** The page of flavors that is asked for, each shown by `view`. */
async function list<T>(request: ApiRequest, deps: ComputeDeps, view: (flavor: Flavor, seesSpecs: boolean) => T) {
  const { ctx, query } = request
  const limit = limitOf(query, deps.config.maxLimit)
  const whole = (name: string) => {
    const text = last(query, name) ?? '0'
    if (!/^\d+$/.test(text)) throw new Invalid(`Invalid ${name} filter [${text}]`)
    return Number(text)
  }
  const word = last(query, 'is_public')
  const isPublic = word === undefined ? true : /^none$/i.test(word) ? undefined : isTrue(word)
  if (word !== undefined && !/^(none|1|0|t|f|true|false|on|off|y|n|yes|no)$/i.test(word))
    throw new Invalid(`Invalid is_public filter [${word}]`)
  const marker = last(query, 'marker')
  const page = await store.listFlavors(
    deps.database.db,
    ctx,
    { isPublic, minRam: whole('minRam'), minDisk: whole('minDisk') },
    {
      by: sortColumns[last(query, 'sort_key') as keyof typeof sortColumns],
      direction: last(query, 'sort_dir') === 'desc' ? 'desc' : 'asc',
      marker,
      limit,
    },
  )
  if (!page) throw new Invalid(`marker [${marker}] not found`)
  const seesSpecs = ctx.can(policy.specIndex, mine(ctx))
  const hasMore = page.length === limit && page.length > 0
  return {
    status: 200 as const,
    body: {
      flavors: page.map((flavor) => view(flavor, seesSpecs)),
      ...(hasMore && { flavors_links: [nextLink(request, page.at(-1)!.id)] }),
    },
  }
}

/** For the keys of the query's schema; those that say the same of all flavors are none. */
const sortColumns = {
  created_at: 'created_at',
  description: 'description',
  ephemeral_gb: 'ephemeral_gb',
  is_public: 'is_public',
  memory_mb: 'memory_mb',
  name: 'name',
  root_gb: 'root_gb',
  rxtx_factor: 'rxtx_factor',
  swap: 'swap_mb',
  updated_at: 'created_at',
  vcpus: 'vcpus',
} as const

const texts = (specs: Record<string, string | number>) =>
  Object.fromEntries(Object.entries(specs).map(([key, value]) => [key, String(value)]))

export const flavorRoutes = [
  route({
    method: 'GET',
    path: '/flavors',
    policy: [],
    query: schema.listQuery,
    answer: { 200: schema.briefListAnswer },
    handle: (request, deps) =>
      list(request, deps, (flavor) => viewFlavorBrief(flavor, request.baseUrl, request.version)),
  }),
  route({
    method: 'GET',
    path: '/flavors/detail',
    policy: policy.specIndex,
    query: schema.listQuery,
    answer: { 200: schema.listAnswer },
    handle: (request, deps) =>
      list(request, deps, (flavor, seesSpecs) => viewFlavor(flavor, request.baseUrl, request.version, seesSpecs)),
  }),
  route({
    method: 'GET',
    path: '/flavors/:id',
    policy: policy.specIndex,
    answer: { 200: schema.flavorAnswer },
    async handle({ ctx, params, baseUrl, version }, deps) {
      const flavor = await find(ctx, deps, params.id)
      return {
        status: 200,
        body: { flavor: viewFlavor(flavor, baseUrl, version, ctx.can(policy.specIndex, mine(ctx))) },
      }
    },
  }),
  route({
    method: 'POST',
    path: '/flavors',
    policy: policy.create,
    body: schema.createBody,
    answer: { 200: schema.flavorAnswer },
    async handle({ ctx, body, baseUrl, version }, { database, now }) {
      ctx.authorize(policy.create)
      const { flavor: asked } = body
      const id = asked.id === undefined || asked.id === null || asked.id === 'auto' ? randomUUID() : String(asked.id)
      const flavor: Flavor = {
        id,
        name: asked.name,
        vcpus: Number(asked.vcpus),
        memoryMb: Number(asked.ram),
        rootGb: Number(asked.disk),
        ephemeralGb: Number(asked['OS-FLV-EXT-DATA:ephemeral'] ?? 0),
        swapMb: Number(asked.swap ?? 0),
        rxtxFactor: Number(asked.rxtx_factor ?? 1),
        isPublic: isTrue(asked['os-flavor-access:is_public'] ?? true),
        description: asked.description ?? null,
        extraSpecs: {},
      }
      if (flavor.rxtxFactor <= 0) throw new Invalid("Invalid input: 'rxtx_factor' argument must be greater than 0")
      try {
        // A private one is nobody's until access is given.
        await store.insertFlavor(database.db, flavor, now())
      } catch (error) {
        if (!isDuplicate(error)) throw error
        const isId = (await store.findFlavor(database.db, id, { projectId: null, isAdmin: true })) !== undefined
        throw new Conflict(
          isId ? `Flavor with ID ${id} already exists.` : `Flavor with name ${flavor.name} already exists.`,
        )
      }
      return { status: 200, body: { flavor: viewFlavor(flavor, baseUrl, version, true) } }
    },
  }),
  route({
    method: 'PUT',
    path: '/flavors/:id',
    since: 'flavor-description',
    policy: policy.update,
    body: schema.updateBody,
    answer: { 200: schema.flavorAnswer },
    async handle({ ctx, params, body, baseUrl, version }, deps) {
      ctx.authorize(policy.update)
      const flavor = await find(ctx, deps, params.id)
      await store.updateFlavor(deps.database.db, flavor.id, { description: body.flavor.description })
      const changed = { ...flavor, description: body.flavor.description }
      return { status: 200, body: { flavor: viewFlavor(changed, baseUrl, version, true) } }
    },
  }),
  route({
    method: 'DELETE',
    path: '/flavors/:id',
    policy: policy.remove,
    answer: { 202: null },
    async handle({ ctx, params }, { database }) {
      ctx.authorize(policy.remove)
      if (!(await store.deleteFlavor(database.db, params.id))) throw new FlavorNotFound(params.id)
      return { status: 202 }
    },
  }),
  route({
    method: 'GET',
    path: '/flavors/:id/os-flavor-access',
    policy: policy.access,
    answer: { 200: schema.accessAnswer },
    async handle({ ctx, params }, deps) {
      ctx.authorize(policy.access)
      const flavor = await find(ctx, deps, params.id)
      if (flavor.isPublic) throw new NotFound('Access list not available for public flavors.')
      return { status: 200, body: { flavor_access: await viewAccess(deps, flavor.id) } }
    },
  }),
  route({
    method: 'POST',
    path: '/flavors/:id/action',
    policy: [policy.addAccess, policy.removeAccess],
    body: schema.actionBody,
    answer: { 200: schema.accessAnswer },
    async handle({ ctx, params, body, version }, deps) {
      const { addTenantAccess: add, removeTenantAccess: remove } = body
      ctx.authorize(add ? policy.addAccess : policy.removeAccess)
      const { db } = deps.database
      if (add) await requireProject(ctx, deps, add.tenant)
      const flavor = await find(ctx, deps, params.id)
      if (add) {
        if (flavor.isPublic && version.has('flavor-access-private-only'))
          throw new Conflict('Can not add access to a public flavor.')
        await store.addAccess(db, flavor.id, add.tenant).catch((error: unknown) => {
          if (isDuplicate(error))
            throw new Conflict(
              `Flavor access already exists for flavor ${flavor.id} and project ${add.tenant} combination.`,
            )
          throw error
        })
      } else if (remove && !(await store.removeAccess(db, flavor.id, remove.tenant))) {
        await requireProject(ctx, deps, remove.tenant)
        throw new NotFound(`Flavor access not found for ${flavor.id} / ${remove.tenant} combination.`)
      }
      return { status: 200, body: { flavor_access: await viewAccess(deps, flavor.id) } }
    },
  }),
  route({
    method: 'GET',
    path: '/flavors/:id/os-extra_specs',
    policy: policy.specIndex,
    answer: { 200: schema.specsAnswer },
    async handle({ ctx, params }, deps) {
      ctx.authorize(policy.specIndex, mine(ctx))
      return { status: 200, body: { extra_specs: (await find(ctx, deps, params.id)).extraSpecs } }
    },
  }),
  route({
    method: 'POST',
    path: '/flavors/:id/os-extra_specs',
    policy: policy.specCreate,
    body: schema.specsBody,
    answer: { 200: schema.specsAnswer },
    async handle({ ctx, params, body, version }, deps) {
      ctx.authorize(policy.specCreate)
      const extraSpecs = texts(body.extra_specs)
      if (version.has('extra-spec-validation')) await checkExtraSpecs(deps, extraSpecs)
      const flavor = await find(ctx, deps, params.id)
      await store.updateFlavor(deps.database.db, flavor.id, { extraSpecs: { ...flavor.extraSpecs, ...extraSpecs } })
      return { status: 200, body: { extra_specs: extraSpecs } }
    },
  }),
  route({
    method: 'GET',
    path: '/flavors/:id/os-extra_specs/:key',
    policy: policy.specShow,
    answer: { 200: textByName },
    async handle({ ctx, params }, deps) {
      ctx.authorize(policy.specShow, mine(ctx))
      const flavor = await find(ctx, deps, params.id)
      return { status: 200, body: { [params.key]: specOf(flavor, params.key) } }
    },
  }),
  route({
    method: 'PUT',
    path: '/flavors/:id/os-extra_specs/:key',
    policy: policy.specUpdate,
    body: schema.oneSpecBody,
    answer: { 200: textByName },
    async handle({ ctx, params, body, version }, deps) {
      ctx.authorize(policy.specUpdate)
      const extraSpecs = texts(body)
      if (version.has('extra-spec-validation')) await checkExtraSpecs(deps, extraSpecs)
      if (!Object.hasOwn(body, params.key)) throw new Invalid('Request body and URI mismatch')
      const flavor = await find(ctx, deps, params.id)
      await store.updateFlavor(deps.database.db, flavor.id, { extraSpecs: { ...flavor.extraSpecs, ...extraSpecs } })
      return { status: 200, body: extraSpecs }
    },
  }),
  route({
    method: 'DELETE',
    path: '/flavors/:id/os-extra_specs/:key',
    policy: policy.specDelete,
    answer: { 200: null },
    async handle({ ctx, params }, deps) {
      ctx.authorize(policy.specDelete)
      const flavor = await find(ctx, deps, params.id)
      specOf(flavor, params.key)
      const { [params.key]: _removed, ...extraSpecs } = flavor.extraSpecs
      await store.updateFlavor(deps.database.db, flavor.id, { extraSpecs })
      return { status: 200 }
    },
  }),
]

const viewAccess = async ({ database }: ComputeDeps, id: string) =>
  (await store.listAccess(database.db, id)).map((project) => ({ flavor_id: id, tenant_id: project }))

function specOf(flavor: Flavor, key: string): string {
  if (!Object.hasOwn(flavor.extraSpecs, key))
    throw new NotFound(`Flavor ${flavor.id} has no extra specs with key ${key}.`)
  return flavor.extraSpecs[key]!
}
