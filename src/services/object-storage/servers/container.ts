/** swift-container-server: keeps which objects a container has. */
import { join } from 'node:path'
import { folderOf, hashPath } from '../model/hash-path.ts'
import { httpDate, isoOf, normal, parseTimestamp, zero, type Timestamp } from '../model/timestamp.ts'
import {
  ContainerBroker,
  isDeletedBy,
  splitSize,
  type ContainerInfo,
  type ListedObject,
} from '../store/databases/container.ts'
import { timeOr } from '../store/databases/broker.ts'
import { answer, refuse } from '../wire/answers.ts'
import { render, type ListingEntry } from '../wire/listing.ts'
import { encodePath } from '../model/names.ts'
import { fromWire, isTrue, type Handler, type Headers, type Request, type Response } from '../wire/message.ts'
import {
  checkMetadata,
  headersOf,
  listed,
  listingOf,
  metadataIn,
  policyOf,
  serverOf,
  splitPath,
  timeOf,
  type StorageDeps,
} from './request.ts'

export const listingLimit = 10_000
const ownPrefix = '.'
/** Besides metadata. */
const keptHeaders = ['x-container-read', 'x-container-write', 'x-container-sync-key', 'x-container-sync-to']

const describe = (info: ContainerInfo, isDeleted: boolean): Headers => ({
  'x-backend-timestamp': info.created_at,
  'x-backend-put-timestamp': info.put_timestamp,
  'x-backend-delete-timestamp': info.delete_timestamp,
  'x-backend-status-changed-at': info.status_changed_at,
  'x-backend-storage-policy-index': String(info.storage_policy_index),
  ...(!isDeleted && {
    'x-container-object-count': String(info.object_count),
    'x-container-bytes-used': String(info.bytes_used),
    'x-timestamp': normal(info.created_at),
    'x-put-timestamp': normal(info.put_timestamp),
    'x-backend-sharding-state': 'unsharded',
  }),
})

/** The size that is told of an object is that of what it stands for. */
function entryOf(row: ListedObject | { subdir: string }): ListingEntry {
  if ('subdir' in row) return row
  const [type, bytes] = splitSize(row.type)
  return {
    bytes: bytes === undefined ? row.size : Number(bytes),
    hash: row.etag,
    name: row.name,
    content_type: type,
    last_modified: isoOf(row.time),
  }
}

export function containerServer(deps: StorageDeps): Handler {
  const { devices, brokers, mix, log } = deps
  const open = (request: Request, most = 2) => {
    const { folder, part, names } = splitPath(request, devices, 2, most)
    const [account = '', container = '', object] = names
    const hash = hashPath(mix, account, container)
    const file = join(folder, folderOf('containers', part, hash), `${hash.toString('hex')}.db`)
    return {
      account,
      container,
      object,
      broker: brokers.get(file, (path) => new ContainerBroker(path, account, container)),
    }
  }

  /** The database of a container that objects are told to; those of the cluster's own accounts come into being by that. */
  const requireExisting = (request: Request, account: string, broker: ContainerBroker) => {
    const said = request.headers['x-backend-auto-create']
    const mayCreate = said === undefined ? account.startsWith(ownPrefix) : isTrue(said)
    if (!broker.exists && mayCreate) broker.initialize(timeOf(request), policyOf(request, deps) ?? 0)
    if (!broker.exists) refuse(404)
  }

  const putObject = async (request: Request, name: string, broker: ContainerBroker): Promise<Response> => {
    const { headers } = request
    const size = Number(headers['x-size'])
    const { 'x-content-type': type, 'x-etag': etag } = headers
    if (!Number.isInteger(size) || type === undefined || etag === undefined)
      return answer(400, 'X-Size, X-Content-Type and X-Etag are required')
    await broker.putObject({
      name,
      created_at: timeOf(request),
      size,
      content_type: fromWire(type),
      etag,
      deleted: 0,
      storage_policy_index: policyOf(request, deps) ?? 0,
      typeTime: parseTimestamp(headers['x-content-type-timestamp'] ?? ''),
      metaTime: parseTimestamp(headers['x-meta-timestamp'] ?? ''),
    })
    brokers.changed.add(broker)
    return answer(201)
  }

  const deleteObject = async (request: Request, name: string, broker: ContainerBroker): Promise<Response> => {
    await broker.putObject({
      name,
      created_at: timeOf(request),
      size: 0,
      content_type: 'application/deleted',
      etag: 'noetag',
      deleted: 1,
      storage_policy_index: policyOf(request, deps) ?? 0,
    })
    brokers.changed.add(broker)
    return answer(204)
  }

  /** Makes the container, or makes it again; true where it was not there. */
  const createOrUpdate = (request: Request, broker: ContainerBroker, time: Timestamp): boolean => {
    const requested = policyOf(request, deps)
    const policy = requested ?? Number(request.headers['x-backend-storage-policy-default'] ?? 0)
    if (!broker.exists && broker.initialize(time, policy)) return true
    const wasDeleted = broker.isDeleted
    const { storage_policy_index: current } = broker.info
    if (wasDeleted) broker.setPolicy(policy, time)
    else if (requested !== undefined && requested !== current)
      refuse(409, undefined, { 'x-backend-storage-policy-index': String(current) })
    broker.updatePutTime(time)
    if (broker.isDeleted) refuse(409)
    if (wasDeleted) broker.updateStatusTime(time)
    return wasDeleted
  }

  /** Tells the account; what it does not take now it is told by the updater. */
  const tellAccount = async (
    request: Request,
    path: string,
    broker: ContainerBroker,
  ): Promise<Response | undefined> => {
    const { headers } = request
    const list = (name: string) => (headers[name] ?? '').split(',').map((each) => each.trim())
    const [hosts, accountDevices, part] = [
      list('x-account-host'),
      list('x-account-device'),
      headers['x-account-partition'],
    ]
    if (hosts.length !== accountDevices.length) return answer(400)
    if (!part) return undefined
    const { info } = broker
    const update: Headers = {
      ...accountUpdate(info),
      'x-trans-id': headers['x-trans-id'] ?? '-',
      ...(headers['x-account-override-deleted']?.toLowerCase() === 'yes' && { 'x-account-override-deleted': 'yes' }),
    }
    const statuses = await Promise.all(
      hosts.map((address, at) =>
        deps
          .tell(
            { address, device: accountDevices[at]! },
            { kind: 'account', method: 'PUT', path: `/${part}${path}`, headers: update },
          )
          .catch((error: unknown) => {
            log.warn({ err: error, address }, 'an account could not be told of a container; it is told again later')
            return 503
          }),
      ),
    )
    if (statuses.every((status) => status >= 200 && status < 300)) broker.reported(info)
    return statuses.every((status) => status === 404) ? answer(404) : undefined
  }

  return serverOf(
    'container-server',
    {
      async PUT(request) {
        const { account, container, object, broker } = open(request, 3)
        const time = timeOf(request)
        if (object !== undefined) {
          requireExisting(request, account, broker)
          return putObject(request, object, broker)
        }
        const isNew = createOrUpdate(request, broker, time)
        broker.updateMetadata(metadataIn(request.headers, 'container', time, keptHeaders), checkMetadata)
        const refused = await tellAccount(request, encodePath(`/${account}/${container}`), broker)
        if (refused) return refused
        return answer(isNew ? 201 : 202, undefined, {
          'x-backend-storage-policy-index': String(broker.info.storage_policy_index),
        })
      },
      async POST(request) {
        const { broker } = open(request)
        const time = timeOf(request)
        if (broker.isDeleted) return answer(404)
        broker.updateMetadata(metadataIn(request.headers, 'container', time, keptHeaders), checkMetadata)
        return answer(204)
      },
      async HEAD(request) {
        const { broker } = open(request)
        const { format } = listingOf(request, listingLimit)
        if (!broker.exists) return answer(404)
        const { info } = broker
        if (isDeletedBy(info)) return answer(404, undefined, describe(info, true))
        const type = { 'content-type': `${format}; charset=utf-8`, 'last-modified': httpDate(info.put_timestamp) }
        return { status: 204, headers: { ...describe(info, false), ...headersOf(broker.metadata), ...type } }
      },
      async GET(request) {
        const { container, broker } = open(request)
        const { format, ...options } = listingOf(request, listingLimit)
        if (!broker.exists) return answer(404)
        const { info } = broker
        if (isDeletedBy(info)) return answer(404, undefined, describe(info, true))
        const policy = policyOf(request, deps) ?? info.storage_policy_index
        const entries = broker.list({ ...options, policy }).map(entryOf)
        const headers = {
          ...describe(info, false),
          'x-backend-record-type': 'object',
          'x-backend-record-storage-policy-index': String(policy),
          ...headersOf(broker.metadata),
          'last-modified': httpDate(info.put_timestamp),
        }
        return listed(headers, format, render(format, 'container', container, entries))
      },
      async DELETE(request) {
        const { account, container, object, broker } = open(request, 3)
        const time = timeOf(request)
        if (object !== undefined) {
          requireExisting(request, account, broker)
          return deleteObject(request, object, broker)
        }
        if (!broker.exists) return answer(404)
        if (!broker.isEmpty) return answer(409)
        const existed = timeOr(broker.info.put_timestamp) > zero && !broker.isDeleted
        broker.markDeleted(time)
        if (!broker.isDeleted) return answer(409)
        const refused = await tellAccount(request, encodePath(`/${account}/${container}`), broker)
        return refused ?? answer(existed ? 204 : 404)
      },
    },
    log,
  )
}

/** What an account is told of a container. */
export const accountUpdate = (info: ContainerInfo): Headers => ({
  'x-put-timestamp': timeOr(info.put_timestamp),
  'x-delete-timestamp': timeOr(info.delete_timestamp),
  'x-object-count': String(info.object_count),
  'x-bytes-used': String(info.bytes_used),
  'x-backend-storage-policy-index': String(info.storage_policy_index),
})
