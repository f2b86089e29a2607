import { Type, type Static } from 'typebox'
import { BadRequest, NotFound } from '../../../platform/http/errors.ts'
import { route, type ApiRequest, type Route } from '../../../platform/http/route.ts'
import type { ApiVersion } from '../../../platform/http/versions.ts'
import type { PlacementDeps } from '../deps.ts'
import { ConcurrentUpdate, InventoryInUse } from '../errors.ts'
import { capacityOf } from '../model/capacity.ts'
import { requireClasses } from '../operations/classes.ts'
import { policy } from '../policies.ts'
import {
  listInventories,
  listUsage,
  raiseGeneration,
  type Inventory,
  type PlacementDb,
  type Provider,
} from '../store/providers.ts'
import { cacheHeaders, load } from './providers.ts'

const largest = 2147483647
const generation = Type.Integer()
const amount = {
  total: Type.Integer({ minimum: 1, maximum: largest }),
  reserved: Type.Optional(Type.Integer({ minimum: 0, maximum: largest })),
  min_unit: Type.Optional(Type.Integer({ minimum: 1, maximum: largest })),
  max_unit: Type.Optional(Type.Integer({ minimum: 1, maximum: largest })),
  step_size: Type.Optional(Type.Integer({ minimum: 1, maximum: largest })),
  allocation_ratio: Type.Optional(Type.Number({ minimum: 0, maximum: 3.4028234663852886e38 })),
}
const closed = { additionalProperties: false }
const inventory = Type.Object(amount, closed)
const putAll = Type.Object(
  {
    resource_provider_generation: generation,
    inventories: Type.Record(Type.String({ pattern: '^[A-Z0-9_]+$' }), inventory),
  },
  closed,
)
const putOne = Type.Object({ ...amount, resource_provider_generation: generation }, closed)
const postOne = Type.Object(
  {
    ...amount,
    resource_class: Type.String({ pattern: '^[A-Z0-9_]+$' }),
    resource_provider_generation: Type.Optional(generation),
  },
  closed,
)

const view = (row: Inventory) => ({
  total: Number(row.total),
  reserved: Number(row.reserved),
  min_unit: Number(row.min_unit),
  max_unit: Number(row.max_unit),
  step_size: Number(row.step_size),
  allocation_ratio: row.allocation_ratio,
})

function toRow(
  provider: Provider,
  resourceClass: string,
  input: Static<typeof inventory>,
  version: ApiVersion,
): Inventory {
  const { total, reserved = 0, min_unit = 1, max_unit = largest, step_size = 1, allocation_ratio = 1 } = input
  const row = {
    provider_uuid: provider.uuid,
    resource_class: resourceClass,
    total,
    reserved,
    min_unit,
    max_unit,
    step_size,
    allocation_ratio,
  }
  const isTooMuch = version.has('full-reserve') ? reserved > total : reserved >= total
  if (isTooMuch) {
    throw new BadRequest(
      `Invalid inventory for '${resourceClass}' on resource provider '${provider.uuid}'. The reserved value is greater than ${version.has('full-reserve') ? '' : 'or equal to '}total.`,
    )
  }
  return row
}

const viewAll = async (db: PlacementDb, provider: Provider, generationNow: number) => ({
  resource_provider_generation: generationNow,
  inventories: Object.fromEntries(
    (await listInventories(db, [provider.uuid])).map((row) => [row.resource_class, view(row)]),
  ),
})

async function swapGeneration(tx: PlacementDb, provider: Provider, given: number) {
  if (given !== Number(provider.generation) || !(await raiseGeneration(tx, provider.uuid, given))) {
    throw new ConcurrentUpdate('resource provider generation conflict: Please refresh and retry.')
  }
}

const list = route({
  method: 'GET',
  path: '/resource_providers/:uuid/inventories',
  policy: policy('resource_providers:inventories:list'),
  async handle(request: ApiRequest<never>, deps: PlacementDeps) {
    request.ctx.authorize(policy('resource_providers:inventories:list'))
    const provider = await load(request, deps)
    return {
      status: 200,
      headers: cacheHeaders(request.version),
      body: await viewAll(deps.database.db, provider, Number(provider.generation)),
    }
  },
})

const replaceAll = route({
  method: 'PUT',
  path: '/resource_providers/:uuid/inventories',
  policy: policy('resource_providers:inventories:update'),
  body: putAll,
  async handle({ ctx, params, body, version }, deps: PlacementDeps) {
    ctx.authorize(policy('resource_providers:inventories:update'))
    const provider = await load({ params }, deps)
    await requireClasses(deps.database.db, Object.keys(body.inventories))
    const rows = Object.entries(body.inventories).map(([name, input]) => toRow(provider, name, input, version))
    await deps.database.transaction(async (tx) => {
      await swapGeneration(tx, provider, body.resource_provider_generation)
      const used = await listUsage(tx, [provider.uuid])
      const lost = used.find((each) => each.used > 0 && !rows.some((row) => row.resource_class === each.resource_class))
      if (lost)
        throw new InventoryInUse(
          `Inventory for '${lost.resource_class}' on resource provider '${provider.uuid}' in use.`,
        )
      await tx.deleteFrom('inventories').where('provider_uuid', '=', provider.uuid).execute()
      if (rows.length > 0) await tx.insertInto('inventories').values(rows).execute()
    })
    return {
      status: 200,
      headers: cacheHeaders(version),
      body: await viewAll(deps.database.db, provider, Number(provider.generation) + 1),
    }
  },
})

async function removeRows(tx: PlacementDb, provider: Provider, classes: readonly string[] | undefined) {
  const used = (await listUsage(tx, [provider.uuid])).filter(
    (each) => each.used > 0 && (classes === undefined || classes.includes(each.resource_class)),
  )
  if (used.length > 0)
    throw new InventoryInUse(
      `Unable to delete inventory: Inventory for '${used.map((each) => each.resource_class).join(', ')}' on resource provider '${provider.uuid}' in use.`,
    )
  let query = tx.deleteFrom('inventories').where('provider_uuid', '=', provider.uuid)
  if (classes) query = query.where('resource_class', 'in', [...classes])
  const { numDeletedRows } = await query.executeTakeFirst()
  if (classes && numDeletedRows === 0n) throw new NotFound(`No inventory of class ${classes.join()} found for delete`)
  await swapGeneration(tx, provider, Number(provider.generation))
}

const deleteAll = route({
  method: 'DELETE',
  path: '/resource_providers/:uuid/inventories',
  since: 'delete-inventories',
  policy: policy('resource_providers:inventories:delete'),
  async handle(request: ApiRequest<never>, deps: PlacementDeps) {
    request.ctx.authorize(policy('resource_providers:inventories:delete'))
    const provider = await load(request, deps)
    await deps.database.transaction((tx) => removeRows(tx, provider, undefined))
    return { status: 204 }
  },
})

const create = route({
  method: 'POST',
  path: '/resource_providers/:uuid/inventories',
  policy: policy('resource_providers:inventories:create'),
  body: postOne,
  async handle({ ctx, params, body, version, baseUrl }, deps: PlacementDeps) {
    ctx.authorize(policy('resource_providers:inventories:create'))
    const provider = await load({ params }, deps)
    const { resource_class: name, resource_provider_generation: given = Number(provider.generation), ...input } = body
    await requireClasses(deps.database.db, [name])
    const row = toRow(provider, name, input, version)
    await deps.database.transaction(async (tx) => {
      const existing = (await listInventories(tx, [provider.uuid])).some((each) => each.resource_class === name)
      if (existing) throw new ConcurrentUpdate(`Update conflict: inventory of ${name} already exists.`)
      await swapGeneration(tx, provider, given)
      await tx.insertInto('inventories').values(row).execute()
    })
    return {
      status: 201,
      headers: {
        Location: `${baseUrl}/resource_providers/${provider.uuid}/inventories/${name}`,
        ...cacheHeaders(version),
      },
      body: { ...view(row), resource_provider_generation: given + 1 },
    }
  },
})

const findOne = async (deps: PlacementDeps, provider: Provider, name: string): Promise<Inventory> => {
  const row = (await listInventories(deps.database.db, [provider.uuid])).find((each) => each.resource_class === name)
  if (!row) throw new NotFound(`No inventory of class ${name} for ${provider.uuid}`)
  return row
}

const show = route({
  method: 'GET',
  path: '/resource_providers/:uuid/inventories/:resource_class',
  policy: policy('resource_providers:inventories:show'),
  async handle(request: ApiRequest<never>, deps: PlacementDeps) {
    request.ctx.authorize(policy('resource_providers:inventories:show'))
    const provider = await load(request, deps)
    const row = await findOne(deps, provider, request.params['resource_class'] ?? '')
    return {
      status: 200,
      headers: cacheHeaders(request.version),
      body: { ...view(row), resource_provider_generation: Number(provider.generation) },
    }
  },
})

const update = route({
  method: 'PUT',
  path: '/resource_providers/:uuid/inventories/:resource_class',
  policy: policy('resource_providers:inventories:update'),
  body: putOne,
  async handle({ ctx, params, body, version }, deps: PlacementDeps) {
    ctx.authorize(policy('resource_providers:inventories:update'))
    const provider = await load({ params }, deps)
    const { resource_provider_generation: given, ...input } = body
    const before = await findOne(deps, provider, params['resource_class'] ?? '')
    const { provider_uuid, resource_class, ...values } = toRow(provider, before.resource_class, input, version)
    await deps.database.transaction(async (tx) => {
      await swapGeneration(tx, provider, given)
      const [used] = (await listUsage(tx, [provider_uuid])).filter((each) => each.resource_class === resource_class)
      // Placement takes a total below what is used and only warns: hosts shrink.
      if (used && used.used > capacityOf(values))
        deps.log.warn(
          { provider: provider_uuid, resource_class },
          'an inventory is now smaller than what is used of it',
        )
      await tx
        .updateTable('inventories')
        .set(values)
        .where('provider_uuid', '=', provider_uuid)
        .where('resource_class', '=', resource_class)
        .execute()
    })
    return { status: 200, headers: cacheHeaders(version), body: { ...values, resource_provider_generation: given + 1 } }
  },
})

const remove = route({
  method: 'DELETE',
  path: '/resource_providers/:uuid/inventories/:resource_class',
  policy: policy('resource_providers:inventories:delete'),
  async handle(request: ApiRequest<never>, deps: PlacementDeps) {
    request.ctx.authorize(policy('resource_providers:inventories:delete'))
    const provider = await load(request, deps)
    await deps.database.transaction((tx) => removeRows(tx, provider, [request.params['resource_class'] ?? '']))
    return { status: 204 }
  },
})

export const inventoryRoutes = [list, replaceAll, deleteAll, create, show, update, remove] as Route<PlacementDeps>[]
