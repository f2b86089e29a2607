import { randomUUID } from 'node:crypto'
import { Type } from 'typebox'
import { NotFound } from '../../../platform/http/errors.ts'
import { last, route, type ApiRequest, type Route } from '../../../platform/http/route.ts'
import { bodies } from '../../../platform/http/schema.ts'
import type { ApiVersion } from '../../../platform/http/versions.ts'
import type { PlacementDeps } from '../deps.ts'
import { BadValue, DuplicateName, ProviderHasChildren, ProviderInUse, ProviderNotFound } from '../errors.ts'
import { findCandidates } from '../operations/candidates.ts'
import { policy } from '../policies.ts'
import {
  aggregatesOf,
  findProvider,
  insertProvider,
  listProviders,
  traitsOf,
  type Provider,
} from '../store/providers.ts'
import { isDuplicate } from '../../../platform/db/database.ts'
import { parseMemberOf, parseRequired, parseResources, requireKnown } from './query.ts'

const name = Type.String({ minLength: 1, maxLength: 200 })
const uuid = Type.String({
  pattern: '^[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}$',
})
const parent = Type.Union([Type.Null(), uuid])
const closed = { additionalProperties: false }
const createFlat = Type.Object({ name, uuid: Type.Optional(uuid) }, closed)
const createNested = Type.Object(
  { name, uuid: Type.Optional(uuid), parent_provider_uuid: Type.Optional(parent) },
  closed,
)
const updateFlat = Type.Object({ name }, closed)
const updateNested = Type.Object({ name, parent_provider_uuid: Type.Optional(parent) }, closed)

/** The provider of an address. Throws ProviderNotFound. */
export async function load(
  { params }: { params: Readonly<Record<string, string>> },
  { database }: PlacementDeps,
): Promise<Provider> {
  const id = params['uuid'] ?? ''
  const provider = await findProvider(database.db, id)
  if (!provider) throw new ProviderNotFound(id)
  return provider
}

function view(provider: Provider, version: ApiVersion) {
  const base = `/resource_providers/${provider.uuid}`
  const parts = ['inventories', 'usages']
  if (version.has('aggregates')) parts.push('aggregates')
  if (version.has('traits')) parts.push('traits')
  if (version.has('allocations-link')) parts.push('allocations')
  return {
    uuid: provider.uuid,
    name: provider.name,
    generation: Number(provider.generation),
    ...(version.has('nested') && {
      parent_provider_uuid: provider.parent_uuid,
      root_provider_uuid: provider.root_uuid,
    }),
    links: [{ rel: 'self', href: base }, ...parts.map((rel) => ({ rel, href: `${base}/${rel}` }))],
  }
}

/** `Last-Modified` and `Cache-Control` from 1.15 on. */
export const cacheHeaders = (version: ApiVersion, at = Date.now()): Record<string, string> =>
  version.has('cache-headers') ? { 'Last-Modified': new Date(at).toUTCString(), 'Cache-Control': 'no-cache' } : {}

const list = route({
  method: 'GET',
  path: '/resource_providers',
  policy: policy('resource_providers:list'),
  async handle({ ctx, query, version }: ApiRequest<never>, { database: { db } }: PlacementDeps) {
    ctx.authorize(policy('resource_providers:list'))
    requireKnown(query, ['name', 'uuid', 'member_of', 'resources', 'in_tree', 'required'])
    const { required, forbidden } = parseRequired(query['required'] ?? [], version)
    const { memberOf, notMemberOf } = parseMemberOf(query['member_of'] ?? [])
    const inTree = last(query, 'in_tree')
    const root = inTree === undefined ? undefined : ((await findProvider(db, inTree))?.root_uuid ?? 'none')
    let providers = await listProviders(db, root)
    const wanted = { name: last(query, 'name'), uuid: last(query, 'uuid') }
    if (wanted.name !== undefined) providers = providers.filter((each) => each.name === wanted.name)
    if (wanted.uuid !== undefined) providers = providers.filter((each) => each.uuid === wanted.uuid)
    if (memberOf.length + notMemberOf.length + required.length + forbidden.length > 0) {
      const kept = await Promise.all(
        providers.map(async (each) => {
          const traits = await traitsOf(db, each.uuid)
          const aggregates = await aggregatesOf(db, each.uuid)
          return (
            required.every((any) => any.some((trait) => traits.includes(trait))) &&
            !forbidden.some((trait) => traits.includes(trait)) &&
            memberOf.every((any) => any.some((aggregate) => aggregates.includes(aggregate))) &&
            !notMemberOf.some((aggregate) => aggregates.includes(aggregate))
          )
        }),
      )
      providers = providers.filter((_each, index) => kept[index])
    }
    const resources = last(query, 'resources')
    if (resources !== undefined) {
      const none = { required: [], forbidden: [], memberOf: [], notMemberOf: [], inTree: undefined, limit: undefined }
      const { requests } = await findCandidates(db, { resources: parseResources(resources), ...none })
      const able = new Set(
        requests.filter((each) => Object.keys(each).length === 1).flatMap((each) => Object.keys(each)),
      )
      providers = providers.filter((each) => able.has(each.uuid))
    }
    return {
      status: 200,
      headers: cacheHeaders(version),
      body: { resource_providers: providers.map((each) => view(each, version)) },
    }
  },
})

const create = route({
  method: 'POST',
  path: '/resource_providers',
  policy: policy('resource_providers:create'),
  body: bodies(createNested, [
    ['initial', createFlat],
    ['nested', createNested],
  ]),
  async handle({ ctx, body, version, baseUrl }, { database: { db } }: PlacementDeps) {
    ctx.authorize(policy('resource_providers:create'))
    const id = (body.uuid ?? randomUUID()).toLowerCase()
    const parentId = body.parent_provider_uuid ?? null
    const above = parentId === null ? undefined : await findProvider(db, parentId)
    if (parentId === id)
      throw new BadValue('parent provider UUID cannot be same as UUID. Unable to create resource provider.')
    if (parentId !== null && !above)
      throw new BadValue(`Unable to create resource provider "${body.name}": parent provider UUID does not exist.`)
    const provider = {
      uuid: id,
      name: body.name,
      generation: 0,
      root_uuid: above?.root_uuid ?? id,
      parent_uuid: parentId,
      updated_at: Date.now(),
    }
    if (!(await insertProvider(db, provider))) {
      const clash = (await findProvider(db, id)) ? `uuid: ${id}` : `name: ${body.name}`
      throw new DuplicateName(`Conflicting resource provider ${clash} already exists.`)
    }
    const headers = { Location: `${baseUrl}/resource_providers/${id}` }
    if (!version.has('post-provider-body')) return { status: 201, headers }
    return { status: 200, headers: { ...headers, ...cacheHeaders(version) }, body: view(provider, version) }
  },
})

const show = route({
  method: 'GET',
  path: '/resource_providers/:uuid',
  policy: policy('resource_providers:show'),
  async handle(request: ApiRequest<never>, deps: PlacementDeps) {
    request.ctx.authorize(policy('resource_providers:show'))
    const provider = await load(request, deps)
    return {
      status: 200,
      headers: cacheHeaders(request.version, Number(provider.updated_at)),
      body: view(provider, request.version),
    }
  },
})

const update = route({
  method: 'PUT',
  path: '/resource_providers/:uuid',
  policy: policy('resource_providers:update'),
  body: bodies(updateNested, [
    ['initial', updateFlat],
    ['nested', updateNested],
  ]),
  async handle({ ctx, params, body, version }, deps: PlacementDeps) {
    ctx.authorize(policy('resource_providers:update'))
    const provider = await load({ params }, deps)
    const { db } = deps.database
    const parentId = body.parent_provider_uuid
    if (parentId !== undefined && parentId !== provider.parent_uuid) await reparent(deps, provider, parentId, version)
    try {
      await db
        .updateTable('providers')
        .set({ name: body.name, updated_at: Date.now() })
        .where('uuid', '=', provider.uuid)
        .execute()
    } catch (error) {
      if (isDuplicate(error))
        throw new DuplicateName(`Conflicting resource provider name: ${body.name} already exists.`)
      throw error
    }
    return { status: 200, headers: cacheHeaders(version), body: view(await load({ params }, deps), version) }
  },
})

/** Moves a provider with everything below it; loops are refused. */
async function reparent({ database }: PlacementDeps, provider: Provider, parentId: string | null, version: ApiVersion) {
  if (provider.parent_uuid !== null && !version.has('reparent'))
    throw new BadValue('un-parenting or re-parenting a provider needs version 1.37.')
  await database.transaction(async (tx) => {
    const all = await listProviders(tx, provider.root_uuid)
    const below = new Set([provider.uuid])
    for (let grew = true; grew;) {
      const size = below.size
      for (const each of all) if (each.parent_uuid !== null && below.has(each.parent_uuid)) below.add(each.uuid)
      grew = below.size > size
    }
    const above = parentId === null ? undefined : await findProvider(tx, parentId)
    if (parentId !== null && !above)
      throw new BadValue(`Unable to save resource provider ${provider.name}: parent provider UUID does not exist.`)
    if (parentId !== null && below.has(parentId))
      throw new BadValue(
        `Unable to save resource provider ${provider.name}: creating loop in the provider tree is not allowed.`,
      )
    const root = above?.root_uuid ?? provider.uuid
    await tx
      .updateTable('providers')
      .set({ root_uuid: root })
      .where('uuid', 'in', [...below])
      .execute()
    await tx.updateTable('providers').set({ parent_uuid: parentId }).where('uuid', '=', provider.uuid).execute()
  })
}

const remove = route({
  method: 'DELETE',
  path: '/resource_providers/:uuid',
  policy: policy('resource_providers:delete'),
  async handle(request: ApiRequest<never>, deps: PlacementDeps) {
    request.ctx.authorize(policy('resource_providers:delete'))
    const { uuid: id } = await load(request, deps)
    await deps.database.transaction(async (tx) => {
      if (await tx.selectFrom('allocations').select('used').where('provider_uuid', '=', id).executeTakeFirst())
        throw new ProviderInUse(id)
      if (await tx.selectFrom('providers').select('uuid').where('parent_uuid', '=', id).executeTakeFirst())
        throw new ProviderHasChildren(id)
      for (const table of ['inventories', 'provider_traits', 'provider_aggregates'] as const) {
        await tx.deleteFrom(table).where('provider_uuid', '=', id).execute()
      }
      const done = await tx.deleteFrom('providers').where('uuid', '=', id).executeTakeFirst()
      if (done.numDeletedRows === 0n) throw new NotFound()
    })
    return { status: 204 }
  },
})

export const providerRoutes = [list, create, show, update, remove] as Route<PlacementDeps>[]
