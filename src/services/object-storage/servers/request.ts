/** What the three storage servers have in common: paths, moments, metadata, and how they are put together. */
import type { Logger } from '../../../platform/log/log.ts'
import type { HashMix } from '../model/hash-path.ts'
import { parseTimestamp, type Timestamp } from '../model/timestamp.ts'
import { DeviceError, type Devices } from '../store/files/devices.ts'
import type { OpenBrokers } from '../store/databases/open-brokers.ts'
import type { StoredMetadata } from '../store/databases/broker.ts'
import { answer, answered, refuse } from '../wire/answers.ts'
import { formatOf, type ListingFormat } from '../wire/listing.ts'
import {
  fromWire,
  titleCase,
  toWire,
  type Handler,
  type Headers,
  type Request,
  type Response,
} from '../wire/message.ts'

export interface StorageDeps {
  readonly devices: Devices
  readonly brokers: OpenBrokers
  readonly mix: HashMix
  readonly policies: readonly { readonly index: number; readonly name: string }[]
  /** The device of a server elsewhere is told something; resolves to its status. */
  readonly tell: Tell
  readonly log: Logger
}

export type Tell = (
  node: { readonly address: string; readonly device: string },
  message: { kind: 'account' | 'container'; method: string; path: string; headers: Headers },
) => Promise<number>

/** `/device/part/account/container/object` */
export interface StoragePath {
  readonly device: string
  readonly folder: string
  readonly part: string
  readonly names: readonly string[]
}

/** Refuses a path with fewer or more names, and a device that is not there. */
export function splitPath({ path }: Request, devices: Devices, least: number, most: number): StoragePath {
  const [, device = '', part = '', ...rest] = path.split('/')
  const names = rest.length > 3 ? [...rest.slice(0, 2), rest.slice(2).join('/')] : rest
  const isGood =
    /^\d+$/.test(part) && names.length >= least && names.length <= most && names.every((name) => name !== '')
  if (!isGood) refuse(400, `Invalid path: ${path}`)
  const folder = devices.folderOf(device)
  return { device, folder: folder ?? refuse(507), part, names }
}

/** The moment that a request is of. */
export function timeOf({ headers }: Request): Timestamp {
  return parseTimestamp(headers['x-timestamp'] ?? '') ?? refuse(400, `Missing X-Timestamp header`)
}

/** The policy that a request names; undefined where it names none. */
export function policyOf({ headers }: Request, { policies }: StorageDeps): number | undefined {
  const text = headers['x-backend-storage-policy-index']
  if (text === undefined) return undefined
  const found = policies.find(({ index }) => String(index) === text)
  return found?.index ?? refuse(503, `No policy with index ${text}`)
}

/** Metadata of users and middlewares among headers, as databases keep it: names as people write them, text in UTF-8. */
export function metadataIn(
  headers: Headers,
  kind: 'account' | 'container',
  time: Timestamp,
  others: readonly string[] = [],
): StoredMetadata {
  const isKept = (name: string) =>
    others.includes(name) || name.startsWith(`x-${kind}-meta-`) || name.startsWith(`x-${kind}-sysmeta-`)
  const kept = Object.entries(headers).filter(([name]) => isKept(name))
  return Object.fromEntries(kept.map(([name, value]) => [titleCase(fromWire(name)), [fromWire(value), time] as const]))
}

/** The other way. */
export function headersOf(metadata: StoredMetadata): Headers {
  const set = Object.entries(metadata).filter(([, [value]]) => value !== '')
  return Object.fromEntries(set.map(([name, [value]]) => [name.toLowerCase(), toWire(value)]))
}

const mostItems = 90
const mostBytes = 4096

/** Refuses metadata that has grown too much over several requests. */
export function checkMetadata(all: StoredMetadata): void {
  const own = Object.entries(all).filter(
    ([name, [value]]) => value !== '' && /^x-(account|container)-meta-/i.test(name),
  )
  if (own.length > mostItems) refuse(400, `Too many metadata items; max ${mostItems}`)
  const size = own.reduce(
    (sum, [name, [value]]) =>
      sum + Buffer.byteLength(name.replace(/^x-(account|container)-meta-/i, '')) + Buffer.byteLength(value),
    0,
  )
  if (size > mostBytes) refuse(400, `Total metadata too large; max ${mostBytes}`)
}

/** What a listing asks for. */
export function listingOf(request: Request, most: number) {
  const { query } = request
  const limitText = query.get('limit')
  const limit = limitText === undefined || !/^\d+$/.test(limitText) ? most : Number(limitText)
  if (limit > most) refuse(412, `Maximum limit is ${most}`)
  return {
    format: formatOf(request) ?? (refuse(406) satisfies ListingFormat),
    limit,
    marker: query.get('marker'),
    endMarker: query.get('end_marker'),
    prefix: query.get('prefix'),
    delimiter: query.get('delimiter') || undefined,
    path: query.get('path'),
    isReverse: /^(true|1|yes|on|t|y)$/i.test(query.get('reverse') ?? ''),
    withReserved: /^(true|1|yes|on|t|y)$/i.test(request.headers['x-backend-allow-reserved-names'] ?? ''),
  }
}

/** A listing, or an empty answer where there is nothing. */
export const listed = (headers: Headers, format: ListingFormat, body: string): Response => ({
  status: body === '' ? 204 : 200,
  headers: { ...headers, 'content-type': `${format}; charset=utf-8` },
  ...(body !== '' && { body }),
})

export type Methods = Readonly<Record<string, Handler>>

/** A server from its methods; what went wrong unexpectedly is told in the log. */
export const serverOf =
  (name: string, methods: Methods, log: Logger): Handler =>
  (request) =>
    answered(async () => {
      const handle = Object.hasOwn(methods, request.method) ? methods[request.method] : undefined
      if (!handle) return answer(405)
      try {
        return await handle(request)
      } catch (error) {
        if (error instanceof DeviceError) {
          log.error({ err: error, path: request.path }, `${name}: ${error.message}`)
          return answer(507)
        }
        throw error
      }
    })
