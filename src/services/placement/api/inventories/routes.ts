import { HttpError } from '../../../../platform/http/errors.ts'
import { Invalid, Conflict, NotFound } from '../../../../platform/errors.ts'
import {
  ClassNotFound,
  codes,
  ConcurrentUpdate,
  InventoryInUse,
  InventoryNotFound,
  ReservedTooMuch,
  mapErrors,
  type ErrorMapping,
} from '../../errors.ts'
import type { InventoryRule } from '../../model/capacity.ts'
import { addInventory, changeInventory, removeInventory, replaceInventories } from '../../operations/inventories.ts'
import { getProvider } from '../../operations/providers.ts'
import { listInventories } from '../../store/inventories.ts'
import type { InventoryRow } from '../../store/tables.ts'
import { endpoint } from '../endpoint.ts'
import { cacheHeaders, latest } from '../headers.ts'
import { requireCapacity, toRule } from './rule.ts'
import { allAnswer, createBody, oneAnswer, replaceBody, updateBody } from './schema.ts'

const path = '/resource_providers/:uuid/inventories'
const onePath = `${path}/:resource_class`

const viewRule = ({ total, reserved, min_unit, max_unit, step_size, allocation_ratio }: InventoryRule) => ({
  total,
  reserved,
  min_unit,
  max_unit,
  step_size,
  allocation_ratio,
})
const viewOne = (rule: InventoryRule, generation: number) => ({
  ...viewRule(rule),
  ...(generation > 0 && { resource_provider_generation: generation }),
})
const viewAll = (rules: Iterable<readonly [string, InventoryRule]>, generation: number) => ({
  resource_provider_generation: generation,
  inventories: Object.fromEntries([...rules].map(([name, rule]) => [name, viewRule(rule)])),
})

const conflict = (prefix: string, code: string) => (why: string) => new Conflict(`${prefix}: ${why}`, { code })
const refused = (prefix: string) => (why: string) => new Invalid(`${prefix}: ${why}`)

function requireGeneration(actual: number, given: number) {
  if (actual !== given) throw new ConcurrentUpdate('resource provider generation conflict')
}

const list = endpoint({
  method: 'GET',
  path,
  policy: 'resource_providers:inventories:list',
  answer: { 200: allAnswer },
  async handle({ params, version }, { database: { db } }) {
    const provider = await getProvider(db, params.uuid)
    const rows = await listInventories(db, [provider.uuid])
    const headers = cacheHeaders(version, latest(rows.map((row) => row.updated_at)))
    const body = viewAll(
      rows.map((row) => [row.resource_class, row]),
      provider.generation,
    )
    return { status: 200, headers, body }
  },
})

const create = endpoint({
  method: 'POST',
  path,
  policy: 'resource_providers:inventories:create',
  body: createBody,
  answer: { 201: oneAnswer },
  needsProvider: true,
  async handle({ params, body, version, baseUrl }, deps) {
    const provider = await getProvider(deps.database.db, params.uuid)
    const { resource_class: name, ...given } = body
    const rule = toRule(given)
    const failed = refused(`Unable to create inventory for resource provider ${provider.uuid}`)
    const mappings: ErrorMapping[] = [
      [ConcurrentUpdate, conflict('Update conflict', codes.concurrentUpdate)],
      [ReservedTooMuch, failed],
      [ClassNotFound, failed],
    ]
    await mapErrors(mappings, async () => {
      requireCapacity(version, provider.uuid, name, rule)
      await addInventory(deps, provider, name, rule)
    })
    const headers = { Location: `${baseUrl}/resource_providers/${provider.uuid}/inventories/${name}` }
    return {
      status: 201,
      headers: { ...headers, ...cacheHeaders(version) },
      body: viewOne(rule, provider.generation + 1),
    }
  },
})

const replace = endpoint({
  method: 'PUT',
  path,
  policy: 'resource_providers:inventories:update',
  body: replaceBody,
  answer: { 200: allAnswer },
  needsProvider: true,
  async handle({ params, body, version }, deps) {
    const provider = await getProvider(deps.database.db, params.uuid)
    requireGeneration(provider.generation, body.resource_provider_generation)
    const rules = Object.entries(body.inventories).map(([name, given]) => [name, toRule(given)] as const)
    const owner = `for resource provider ${provider.uuid}`
    const mappings: ErrorMapping[] = [
      [ClassNotFound, refused(`Unknown resource class in inventory ${owner}`)],
      [ConcurrentUpdate, conflict('update conflict', codes.concurrentUpdate)],
      [InventoryInUse, conflict('update conflict', codes.inventoryInUse)],
      [ReservedTooMuch, refused(`Unable to update inventory ${owner}`)],
    ]
    await mapErrors(mappings, async () => {
      for (const [name, rule] of rules) requireCapacity(version, provider.uuid, name, rule)
      await replaceInventories(deps, provider, Object.fromEntries(rules))
    })
    return { status: 200, headers: cacheHeaders(version), body: viewAll(rules, provider.generation + 1) }
  },
})

const removeAll = endpoint({
  method: 'DELETE',
  path,
  since: 'delete-inventories',
  policy: 'resource_providers:inventories:delete',
  answer: { 204: null },
  async handle({ params }, deps) {
    const provider = await getProvider(deps.database.db, params.uuid)
    const raced = `Unable to delete inventory for resource provider ${provider.uuid} because the inventory was updated by another process. Please retry your request.`
    const mappings: ErrorMapping[] = [
      [ConcurrentUpdate, () => new ConcurrentUpdate(raced)],
      [InventoryInUse, (why) => new Conflict(why, { code: codes.inventoryInUse })],
    ]
    await mapErrors(mappings, () => replaceInventories(deps, provider, {}))
    return { status: 204 }
  },
})

/** Before 1.5 the path is known and the method is not. */
const removeAllUnknown = endpoint({
  method: 'DELETE',
  path,
  until: 'delete-inventories',
  policy: 'resource_providers:inventories:delete',
  answer: {},
  handle() {
    throw new HttpError(405, 'The method specified is not allowed for this resource.')
  },
})

const show = endpoint({
  method: 'GET',
  path: onePath,
  policy: 'resource_providers:inventories:show',
  answer: { 200: oneAnswer },
  async handle({ params, version }, { database: { db } }) {
    const provider = await getProvider(db, params.uuid)
    const name = params.resource_class
    const row = (await listInventories(db, [provider.uuid])).find((each: InventoryRow) => each.resource_class === name)
    if (!row) throw new NotFound(`No inventory of class ${name} for ${provider.uuid}`)
    return { status: 200, headers: cacheHeaders(version, row.updated_at), body: viewOne(row, provider.generation) }
  },
})

const update = endpoint({
  method: 'PUT',
  path: onePath,
  policy: 'resource_providers:inventories:update',
  body: updateBody,
  answer: { 200: oneAnswer },
  needsProvider: true,
  async handle({ params, body, version }, deps) {
    const provider = await getProvider(deps.database.db, params.uuid)
    const name = params.resource_class
    requireGeneration(provider.generation, body.resource_provider_generation)
    const rule = toRule(body)
    const owner = `for resource provider ${provider.uuid}`
    const mappings: ErrorMapping[] = [
      [ConcurrentUpdate, conflict('update conflict', codes.concurrentUpdate)],
      [InventoryNotFound, refused(`No inventory record with resource class ${owner}`)],
      [ReservedTooMuch, refused(`Unable to update inventory ${owner}`)],
    ]
    await mapErrors(mappings, async () => {
      requireCapacity(version, provider.uuid, name, rule)
      await changeInventory(deps, provider, name, rule)
    })
    return { status: 200, headers: cacheHeaders(version), body: viewOne(rule, provider.generation + 1) }
  },
})

const remove = endpoint({
  method: 'DELETE',
  path: onePath,
  policy: 'resource_providers:inventories:delete',
  answer: { 204: null },
  async handle({ params }, deps) {
    const provider = await getProvider(deps.database.db, params.uuid)
    const name = params.resource_class
    const busy = conflict(`Unable to delete inventory of class ${name}`, codes.concurrentUpdate)
    const missing = (why: string) => new NotFound(`No inventory of class ${name} found for delete: ${why}`)
    const mappings: ErrorMapping[] = [
      [ConcurrentUpdate, busy],
      [InventoryInUse, busy],
      [ClassNotFound, missing],
      [InventoryNotFound, missing],
    ]
    await mapErrors(mappings, () => removeInventory(deps, provider, name))
    return { status: 204 }
  },
})

export const inventoryRoutes = [list, create, replace, removeAll, removeAllUnknown, show, update, remove]
