/** swift-account-server: keeps which containers an account has. */
import { join } from 'node:path'
import { folderOf, hashPath } from '../model/hash-path.ts'
import { isoOf, normal, now, parseTimestamp } from '../model/timestamp.ts'
import { AccountBroker } from '../store/databases/account.ts'
import { answer, refuse } from '../wire/answers.ts'
import { render, type ListingEntry } from '../wire/listing.ts'
import { titleCase, type Handler, type Headers, type Request, type Response } from '../wire/message.ts'
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
/** Accounts that the cluster makes for itself. */
const ownPrefix = '.'

export function accountServer(deps: StorageDeps): Handler {
  const { devices, brokers, mix, log } = deps
  const open = (request: Request, most = 1) => {
    const { folder, part, names } = splitPath(request, devices, 1, most)
    const [account = '', container] = names
    const hash = hashPath(mix, account)
    const file = join(folder, folderOf('accounts', part, hash), `${hash.toString('hex')}.db`)
    return { account, container, broker: brokers.get(file, (path) => new AccountBroker(path, account)) }
  }

  const describe = (broker: AccountBroker): Headers => {
    const { container_count, object_count, bytes_used, created_at, put_timestamp } = broker.info
    const headers: Headers = {
      'x-account-container-count': String(container_count),
      'x-account-object-count': String(object_count),
      'x-account-bytes-used': String(bytes_used),
      'x-timestamp': normal(created_at),
      'x-put-timestamp': normal(put_timestamp),
      ...headersOf(broker.metadata),
    }
    for (const { storage_policy_index, ...counts } of broker.policyCounts) {
      const policy = deps.policies.find(({ index }) => index === storage_policy_index)
      for (const [name, count] of policy ? Object.entries(counts) : [])
        headers[`x-account-storage-policy-${policy!.name.toLowerCase()}-${name.replaceAll('_', '-')}`] = String(count)
    }
    return headers
  }

  /** Deleted on purpose, an account is told apart from one that was never there. */
  const gone = (broker: AccountBroker, status: number, text?: string): Response =>
    answer(status, text, broker.isMarkedDeleted ? { 'x-account-status': 'Deleted' } : {})

  const putContainer = async (request: Request, account: string, container: string, broker: AccountBroker) => {
    const { headers } = request
    const time = headers['x-timestamp'] === undefined ? now() : timeOf(request)
    if (account.startsWith(ownPrefix) && !broker.exists) broker.initialize(time)
    const isOverridden = headers['x-account-override-deleted']?.toLowerCase() === 'yes'
    if (!broker.exists || (!isOverridden && broker.isDeleted)) return answer(404)
    const moment = (name: string) =>
      parseTimestamp(headers[name] ?? '') ?? refuse(400, `Missing ${titleCase(name)} header`)
    const count = (name: string) => {
      const value = Number(headers[name])
      return Number.isInteger(value) ? value : refuse(400, `Missing ${titleCase(name)} header`)
    }
    const [putTime, deleteTime] = [moment('x-put-timestamp'), moment('x-delete-timestamp')]
    await broker.putContainer({
      name: container,
      put_timestamp: putTime,
      delete_timestamp: deleteTime,
      object_count: count('x-object-count'),
      bytes_used: count('x-bytes-used'),
      storage_policy_index: policyOf(request, deps) ?? 0,
    })
    return answer(deleteTime > putTime ? 204 : 201)
  }

  const putAccount = (request: Request, broker: AccountBroker): Response => {
    const time = timeOf(request)
    if (broker.exists && broker.info.status === 'DELETED') return gone(broker, 403, 'Recently deleted')
    const isNew = broker.exists ? broker.isDeleted : broker.initialize(time)
    broker.updatePutTime(time)
    if (broker.isDeleted) return answer(409)
    broker.updateMetadata(metadataIn(request.headers, 'account', time), checkMetadata)
    return answer(isNew ? 201 : 202)
  }

  return serverOf(
    'account-server',
    {
      async PUT(request) {
        const { account, container, broker } = open(request, 2)
        return container === undefined ? putAccount(request, broker) : putContainer(request, account, container, broker)
      },
      async POST(request) {
        const { broker } = open(request)
        if (broker.isDeleted) return gone(broker, 404)
        broker.updateMetadata(metadataIn(request.headers, 'account', timeOf(request)), checkMetadata)
        return answer(204)
      },
      async HEAD(request) {
        const { broker } = open(request)
        if (broker.isDeleted) return gone(broker, 404)
        const { format } = listingOf(request, listingLimit)
        return { status: 204, headers: { ...describe(broker), 'content-type': `${format}; charset=utf-8` } }
      },
      async GET(request) {
        const { account, broker } = open(request)
        const { format, path: _path, ...options } = listingOf(request, listingLimit)
        if (broker.isDeleted) return gone(broker, 404)
        const entries = broker.list(options).map((row): ListingEntry =>
          'subdir' in row
            ? row
            : {
                name: row.name,
                count: row.object_count,
                bytes: row.bytes_used,
                last_modified: isoOf(row.put_timestamp),
              },
        )
        return listed(describe(broker), format, render(format, 'account', account, entries))
      },
      async DELETE(request) {
        const { broker } = open(request)
        if (broker.isDeleted) return gone(broker, 404)
        broker.markDeleted(timeOf(request))
        return gone(broker, 204)
      },
    },
    log,
  )
}
