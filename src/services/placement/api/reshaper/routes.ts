import { Type, type TSchema } from 'typebox'
import { Invalid, Conflict } from '../../../../platform/errors.ts'
import { bodies } from '../../../../platform/http/schema.ts'
import {
  ClassNotFound,
  codes,
  ConcurrentUpdate,
  InvalidInventory,
  InventoryInUse,
  mapErrors,
  type ErrorMapping,
} from '../../errors.ts'
import { reshape, type Reshaping } from '../../operations/reshape.ts'
import { toRequest } from '../allocations/request.ts'
import { reshapeAllocations, widestMany } from '../allocations/schema.ts'
import { endpoint } from '../endpoint.ts'
import { toRule } from '../inventories/rule.ts'
import { replaceBody } from '../inventories/schema.ts'
import { closed, uuidKey } from '../schema.ts'

const inventories = Type.Record(Type.String({ pattern: uuidKey }), replaceBody, { minProperties: 1, ...closed })
const bodyWith = <A extends TSchema>(allocations: A) => Type.Object({ inventories, allocations }, closed)

/** A whole cloud may be reshaped at once. */
const limit = 16 * 1024 * 1024

const conflict = (code: string) => (why: string) => new Conflict(`update conflict: ${why}`, { code })
const mappings: ErrorMapping[] = [
  [
    ConcurrentUpdate,
    (why) => (/generation conflict/.test(why) ? new ConcurrentUpdate(why) : conflict(codes.concurrentUpdate)(why)),
  ],
  [ClassNotFound, (why) => new Invalid(`malformed reshaper data: ${why}`)],
  [InventoryInUse, conflict(codes.inventoryInUse)],
  [InvalidInventory, (why) => new Conflict(`Unable to allocate inventory: ${why}`)],
]

const post = endpoint({
  method: 'POST',
  path: '/reshaper',
  since: 'reshaper',
  policy: 'reshaper:reshape',
  bodyLimit: limit,
  body: bodies(bodyWith(widestMany), [
    ['reshaper', bodyWith(reshapeAllocations['consumer-generation'])],
    ['mappings', bodyWith(reshapeAllocations['mappings'])],
    ['consumer-types', bodyWith(reshapeAllocations['consumer-types'])],
  ]),
  answer: { 204: null },
  async handle({ body, version }, deps) {
    const reshapings: Reshaping[] = Object.entries(body.inventories).map(([provider, each]) => ({
      provider,
      generation: each.resource_provider_generation,
      inventories: Object.fromEntries(Object.entries(each.inventories).map(([name, given]) => [name, toRule(given)])),
    }))
    const requests = Object.entries(body.allocations).map(([uuid, each]) =>
      toRequest(uuid, each, version, deps.settings),
    )
    await mapErrors(mappings, () => reshape(deps, reshapings, requests))
    return { status: 204 }
  },
})

export const reshaperRoutes = [post]
