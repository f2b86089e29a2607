/** swift-object-server: keeps objects as files. What it has answered with 201 is on the disk. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { pass } from '../../../base/chunks.ts'
import { folderOf, hashPath } from '../model/hash-path.ts'
import { httpDate, normal, now, parseTimestamp, secondsOf, zero, type Timestamp } from '../model/timestamp.ts'
import { openDraft } from '../store/files/draft.ts'
import type { Metadata } from '../store/files/metadata.ts'
import {
  openObject,
  removeObsolete,
  writeMeta,
  writeTombstone,
  type Found,
  type ObjectPlace,
  type OpenObject,
} from '../store/files/object-file.ts'
import { answer, refuse } from '../wire/answers.ts'
import { bareEtag, conditional } from '../wire/conditions.ts'
import {
  isTrue,
  toWire,
  type Handler,
  type Headers,
  type Request,
  type Response,
  type Sliceable,
} from '../wire/message.ts'
import { containerTeller, overridesIn } from './object-updates.ts'
import { policyOf, serverOf, splitPath, timeOf, type StorageDeps } from './request.ts'

/** What is kept of an object besides its metadata. */
const keptHeaders = new Set([
  'content-disposition',
  'content-encoding',
  'x-delete-at',
  'x-object-manifest',
  'x-static-large-object',
  'cache-control',
  'content-language',
  'expires',
  'x-robots-tag',
])

const isUserMeta = (name: string) => name.startsWith('x-object-meta-') || name.startsWith('x-object-transient-sysmeta-')
const isKept = (name: string) => isUserMeta(name) || name.startsWith('x-object-sysmeta-') || keptHeaders.has(name)
const only = (headers: Headers, isWanted: (name: string) => boolean): Metadata =>
  Object.fromEntries(Object.entries(headers).filter(([name, value]) => isWanted(name) && value !== ''))

interface Target {
  readonly names: readonly [account: string, container: string, object: string]
  readonly hash: string
  readonly place: ObjectPlace
}

export function objectServer(deps: StorageDeps): Handler {
  const { devices, mix, log } = deps
  const tellContainers = containerTeller(deps)

  const targetOf = (request: Request): Target => {
    const { folder, part, names } = splitPath(request, devices, 3, 3)
    const [account = '', container = '', object = ''] = names
    const policy = policyOf(request, deps) ?? 0
    const policySuffix = policy === 0 ? '' : `-${policy}`
    const hash = hashPath(mix, account, container, object)
    return {
      names: [account, container, object],
      hash: hash.toString('hex'),
      place: {
        device: folder,
        folder: join(folder, folderOf(`objects${policySuffix}`, part, hash)),
        name: toWire(`/${account}/${container}/${object}`),
        policySuffix,
      },
    }
  }

  /** What is there; an object whose time is over is as good as deleted. */
  const find = async (
    request: Request,
    { place }: Target,
    time: Timestamp,
  ): Promise<Found & { expired?: OpenObject }> => {
    const onDamage = (reason: string) => log.error({ object: place.name }, `quarantined: ${reason}`)
    const found = await openObject(place, onDamage)
    if (found.state !== 'there' || isTrue(request.headers['x-backend-replication'])) return found
    const deleteAt = found.metadata['x-delete-at']
    if (deleteAt === undefined || Number(deleteAt) > secondsOf(time)) return found
    await found.close()
    return { state: 'deleted', time: found.time, expired: found }
  }

  const missing = (found: Found): Headers => (found.state === 'deleted' ? { 'x-backend-timestamp': found.time } : {})

  const headersOf = ({ metadata, dataTime, time }: OpenObject): Headers => ({
    ...only(metadata, isKept),
    'content-type': metadata['content-type'] ?? 'application/octet-stream',
    'content-length': metadata['content-length'] ?? '0',
    etag: `"${metadata['etag']}"`,
    'last-modified': httpDate(time),
    'x-timestamp': normal(time),
    'x-backend-timestamp': time,
    'x-backend-data-timestamp': dataTime,
    'x-backend-durable-timestamp': dataTime,
  })

  /** The tag that conditions are compared with, where a middleware keeps another one in the metadata. */
  const conditionTag = ({ headers }: Request, { metadata }: OpenObject): string | undefined => {
    const names = (headers['x-backend-etag-is-at'] ?? '').split(',').map((name) => name.trim().toLowerCase())
    return names.map((name) => metadata[name]).find((value) => value !== undefined)
  }

  const read = async (request: Request): Promise<Response> => {
    const target = targetOf(request)
    const found = await find(request, target, parseTimestamp(request.headers['x-timestamp'] ?? '') ?? now())
    if (found.state !== 'there') return conditional(request, answer(404, undefined, missing(found)))
    const headers = headersOf(found)
    const tag = conditionTag(request, found)
    if (request.method === 'HEAD') {
      await found.close()
      return conditional(request, { status: 200, headers }, tag)
    }
    const body: Sliceable = {
      size: found.size,
      open: (start, end) => found.read(start, end),
      close: () => void found.close(),
    }
    const ignored = (request.headers['x-backend-ignore-range-if-metadata-present'] ?? '').split(',')
    const isWhole = ignored.some((name) => found.metadata[name.trim().toLowerCase()] !== undefined)
    const { range: _range, ...withoutRange } = request.headers
    return conditional(isWhole ? { ...request, headers: withoutRange } : request, { status: 200, headers, body }, tag)
  }

  const checkDeleteAt = ({ headers }: Request, time: Timestamp): string | undefined => {
    const text = headers['x-delete-at']
    if (text === undefined || text === '') return undefined
    if (!/^\d+$/.test(text)) return refuse(400, 'Non-integer X-Delete-At')
    if (Number(text) < secondsOf(time)) return refuse(400, 'X-Delete-At in past')
    return text
  }

  const put = async (request: Request): Promise<Response> => {
    const { headers } = request
    const target = targetOf(request)
    const time = timeOf(request)
    checkDeleteAt(request, time)
    if (headers['content-type'] === undefined) return answer(400, 'No content type')
    const length = headers['content-length'] === undefined ? undefined : Number(headers['content-length'])
    const before = await find(request, target, time)
    if (before.state === 'there') await before.close()
    if (before.state === 'there' && isUnwanted(headers['if-none-match'], before)) return answer(412)
    const known = before.state === 'there' ? before.dataTime : before.state === 'deleted' ? before.time : zero
    if (known >= time) return answer(409, undefined, { 'x-backend-timestamp': known })

    const { size, etag } = await store(request, target, time, length)
    await tellContainers(request, target, 'PUT', {
      'x-size': String(size),
      'x-content-type': headers['content-type'],
      'x-timestamp': time,
      'x-etag': etag,
      ...overridesIn(headers),
    })
    return answer(201, undefined, { etag: `"${etag}"` })
  }

  const isUnwanted = (ifNoneMatch: string | undefined, { metadata }: OpenObject): boolean =>
    ifNoneMatch?.split(',').some((each) => each.trim() === '*' || bareEtag(each) === metadata['etag']) ?? false

  /** Writes data and metadata; nothing is left where something is wrong with them. */
  const store = async (request: Request, { place }: Target, time: Timestamp, length: number | undefined) => {
    const { headers, body } = request
    const draft = await openDraft(place.device, `tmp${place.policySuffix}`)
    try {
      const hash = createHash('md5')
      let size = 0
      if (body)
        await pass(body, (chunk) => {
          hash.update(chunk)
          size += chunk.length
          return draft.write(chunk)
        }).catch(rethrowAsGone)
      if (length !== undefined && length !== size) refuse(499)
      const etag = hash.digest('hex')
      const expected = bareEtag(headers['etag'] ?? '').toLowerCase()
      if (expected !== '' && expected !== etag) refuse(422)
      const metadata: Metadata = {
        ...only(headers, isKept),
        'x-timestamp': time,
        'content-type': headers['content-type'] ?? '',
        'content-length': String(size),
        etag,
        name: place.name,
      }
      await draft.commit(place.folder, `${time}.data`, metadata)
      await removeObsolete(place.folder)
      return { size, etag }
    } finally {
      await draft.close()
    }
  }

  const post = async (request: Request): Promise<Response> => {
    const { headers } = request
    const target = targetOf(request)
    const time = timeOf(request)
    checkDeleteAt(request, time)
    const found = await find(request, target, time)
    if (found.state !== 'there') return answer(404, undefined, missing(found))
    await found.close()
    // Upstream's proxy sends an empty one where the client said none.
    const type = headers['content-type'] || undefined
    const isTypeNew = type !== undefined && time > found.typeTime
    if (found.time >= time && !isTypeNew) return answer(409, undefined, { 'x-backend-timestamp': found.time })
    const { metaMetadata, dataTime, typeTime, metadata } = found
    const keptType: Metadata =
      typeTime === dataTime
        ? {}
        : { 'content-type': metaMetadata?.['content-type'] ?? '', 'content-type-timestamp': typeTime }
    const newType: Metadata = isTypeNew ? { 'content-type': type, 'content-type-timestamp': time } : keptType
    await writeMeta(
      target.place,
      { ...only(headers, (name) => isUserMeta(name) || keptHeaders.has(name)), ...newType },
      time,
    )
    const shownType = isTypeNew ? type : (metadata['content-type'] ?? '')
    await tellContainers(request, target, 'PUT', {
      'x-size': metadata['content-length'] ?? '0',
      'x-content-type': shownType,
      'x-timestamp': dataTime,
      'x-content-type-timestamp': isTypeNew ? time : typeTime,
      'x-meta-timestamp': time,
      'x-etag': metadata['etag'] ?? '',
      ...overridesIn(metadata),
    })
    return answer(202, undefined, {
      'x-backend-content-type': shownType,
      ...only(metadata, (name) => name.startsWith('x-object-sysmeta-')),
    })
  }

  const remove = async (request: Request): Promise<Response> => {
    const target = targetOf(request)
    const time = timeOf(request)
    const found = await find(request, target, time)
    if (found.state === 'there') await found.close()
    const known = found.state === 'there' ? found.dataTime : found.state === 'deleted' ? found.time : zero
    const metadata = found.state === 'there' ? found.metadata : found.expired?.metadata
    const condition = request.headers['x-if-delete-at']
    if (condition !== undefined) {
      if (known === zero) return answer(404)
      if (known >= time) return answer(409)
      if (Number(metadata?.['x-delete-at'] ?? 0) !== Number(condition))
        return answer(412, 'X-If-Delete-At and X-Delete-At do not match')
    }
    const isThere = found.state === 'there' || condition !== undefined
    if (known < time) {
      await writeTombstone(target.place, time)
      await tellContainers(request, target, 'DELETE', { 'x-timestamp': time })
    }
    const headers = {
      'x-backend-timestamp': known > time ? known : time,
      'x-backend-content-type': metadata?.['content-type'] ?? '',
    }
    return answer(isThere ? (known < time ? 204 : 409) : 404, undefined, headers)
  }

  return serverOf('object-server', { GET: read, HEAD: read, PUT: put, POST: post, DELETE: remove }, log)
}

/** Who sends does not go on: nobody is there to be answered. */
function rethrowAsGone(error: unknown): never {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'ABORT_ERR') return refuse(499)
  throw error
}
