import { Invalid, Conflict, NotFound } from '../../../../platform/errors.ts'
import {
  ClassNotFound,
  codes,
  ConcurrentUpdate,
  InvalidInventory,
  ProviderNotFound,
  mapErrors,
  type ErrorMapping,
} from '../../errors.ts'
import { isUuidLike, normalizeUuid } from '../../model/uuid.ts'
import { removeAllocations, replaceAllocations } from '../../operations/allocate.ts'
import { getProvider } from '../../operations/providers.ts'
import { findConsumer, listOfConsumer, listOfProvider } from '../../store/allocations.ts'
import { endpoint } from '../endpoint.ts'
import { cacheHeaders, latest } from '../headers.ts'
import { toRequest } from './request.ts'
import { manageBody, ofConsumerAnswer, ofProviderAnswer, replaceBody } from './schema.ts'
import { viewOfConsumer, viewOfProvider } from './view.ts'

const path = '/allocations/:consumer_uuid'

/** Largest list of consumers in bytes: an evacuated host moves hundreds at once. */
const manyLimit = 8 * 1024 * 1024

/** `prefix` is how the request tells of something that it names and that does not exist. */
const tellingsOf = (prefix: string): ErrorMapping[] => [
  [ClassNotFound, (why) => new Invalid(`${prefix}${why}`)],
  [InvalidInventory, (why) => new Conflict(`Unable to allocate inventory: ${why}`)],
  [
    ConcurrentUpdate,
    (why) =>
      why.startsWith('consumer generation conflict')
        ? new ConcurrentUpdate(why)
        : new Conflict(`Inventory and/or allocations changed while attempting to allocate: ${why}`, {
            code: codes.concurrentUpdate,
          }),
  ],
]

const show = endpoint({
  method: 'GET',
  path,
  policy: 'allocations:list',
  answer: { 200: ofConsumerAnswer },
  async handle({ params, version }, { database: { db } }) {
    const uuid = params.consumer_uuid
    const rows = await listOfConsumer(db, uuid)
    const consumer = await findConsumer(db, uuid)
    const headers = cacheHeaders(version, latest(rows.map((row) => row.created_at)))
    return { status: 200, headers, body: viewOfConsumer(rows, consumer, version) }
  },
})

const replace = endpoint({
  method: 'PUT',
  path,
  policy: 'allocations:update',
  body: replaceBody,
  answer: { 204: null },
  async handle({ params, body, version }, deps) {
    const given = params.consumer_uuid
    if (!isUuidLike(given)) throw new Invalid(`Malformed consumer_uuid: ${given}`)
    const uuid = normalizeUuid(given)
    const request = toRequest(uuid, body, version, deps.settings)
    await mapErrors(tellingsOf(`Unable to allocate inventory for consumer ${uuid}: `), () =>
      replaceAllocations(deps, [request]),
    )
    return { status: 204 }
  },
})

const manage = endpoint({
  method: 'POST',
  path: '/allocations',
  since: 'post-allocations',
  policy: 'allocations:manage',
  body: manageBody,
  bodyLimit: manyLimit,
  answer: { 204: null },
  async handle({ body, version }, deps) {
    const requests = Object.entries(body).map(([uuid, each]) => toRequest(uuid, each, version, deps.settings))
    await mapErrors(tellingsOf('Unable to allocate inventory '), () => replaceAllocations(deps, requests))
    return { status: 204 }
  },
})

const remove = endpoint({
  method: 'DELETE',
  path,
  policy: 'allocations:delete',
  answer: { 204: null },
  async handle({ params }, deps) {
    const uuid = params.consumer_uuid
    if (!(await removeAllocations(deps, uuid))) throw new NotFound(`No allocations for consumer '${uuid}'`)
    return { status: 204 }
  },
})

const ofProvider = endpoint({
  method: 'GET',
  path: '/resource_providers/:uuid/allocations',
  policy: 'resource_providers:allocations:list',
  answer: { 200: ofProviderAnswer },
  async handle({ params, version }, { database: { db } }) {
    const uuid = params.uuid
    const missing = (why: string) => new NotFound(`Resource provider '${uuid}' not found: ${why}`)
    const provider = await mapErrors([[ProviderNotFound, missing]], () => getProvider(db, uuid))
    const rows = await listOfProvider(db, provider.uuid)
    const headers = cacheHeaders(version, latest(rows.map((row) => row.created_at)))
    return { status: 200, headers, body: viewOfProvider(rows, provider.generation, version) }
  },
})

export const allocationRoutes = [show, replace, manage, remove, ofProvider]
