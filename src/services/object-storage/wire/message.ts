/** Requests and answers inside the service, between middlewares, the proxy and the storage servers. */
import type { Readable } from 'node:stream'
import type { Credentials } from '../../../platform/auth/credentials.ts'

/** By names in lower case. Values are bytes as latin1, as HTTP carries them. */
export type Headers = Record<string, string>

export interface Request {
  readonly method: string
  /** Without percent signs: `/v1/account/container/object`, of storage servers `/device/part/account/…`. */
  readonly path: string
  /** The last value of each parameter. */
  readonly query: ReadonlyMap<string, string>
  readonly headers: Headers
  readonly body: Readable | undefined
  /** Address at the other end of the connection of a client. */
  readonly peer?: string | undefined
  /** Of one request of a client and all that it causes. */
  readonly context: RequestContext
}

/** A part of something with a known size. */
export interface Sliceable {
  readonly size: number
  /** Both ends are included. */
  open(start: number, end: number): Readable | Promise<Readable>
  close(): void
}

export const isSliceable = (body: unknown): body is Sliceable =>
  typeof body === 'object' && body !== null && 'open' in body && 'size' in body && typeof body.open === 'function'

export type Body = string | Uint8Array | Readable | Sliceable | undefined

export interface Response {
  status: number
  headers: Headers
  body?: Body
}

export type Handler = (request: Request) => Promise<Response>

/** Whether a request may do what it wants, with the list of access where there is one: an answer is a refusal. */
export type Authorize = (request: Request, acl?: string) => Promise<Response | undefined>

/** What middlewares tell each other of a request. */
export interface RequestContext {
  readonly transactionId: string
  /** Who asks; undefined for nobody, or a token that is not good. */
  credentials?: Credentials | undefined
  serviceRoles?: readonly string[]
  isTokenInvalid?: boolean
  authorize?: Authorize
  /** Somebody before has decided already. */
  isAuthorized?: boolean
  /** Another middleware than the one for tokens decides. */
  isDecidedElsewhere?: boolean
  /** The size of a list of segments may stand in the type of the list. */
  mayTellSize?: boolean
  /** How many lists of segments stand within each other. */
  depth?: number
  /** May see and change what only owners may. */
  isOwner?: boolean
  /** Which middleware has made the request, for the log. */
  source?: string
  /** What is known of accounts and containers in this request. */
  readonly known: Map<string, unknown>
}

export const newContext = (transactionId: string): RequestContext => ({ transactionId, known: new Map() })

/** A request that a middleware makes of its own, on behalf of another. */
export function subrequest(
  request: Request,
  change: { method: string; path?: string; headers?: Headers; query?: ReadonlyMap<string, string>; body?: Readable },
  context: Partial<RequestContext> = {},
): Request {
  return {
    method: change.method,
    path: change.path ?? request.path,
    query: change.query ?? new Map(),
    headers: change.headers ?? {},
    body: change.body,
    context: { ...request.context, ...context },
  }
}

/** As `subrequest`, for what the cluster does whoever asks. */
export const ownRequest = (request: Request, change: Parameters<typeof subrequest>[1], source: string): Request =>
  subrequest(request, change, { isAuthorized: true, isOwner: true, source })

/** Names as people write them: `X-Object-Meta-Color`. */
export const titleCase = (name: string): string =>
  name.replaceAll(/(^|[^a-z])([a-z])/g, (_, before: string, letter: string) => before + letter.toUpperCase())

/** Bytes as latin1 from text, and back; text that is no UTF-8 stays bytes. */
export const toWire = (text: string): string => Buffer.from(text).toString('latin1')
export const fromWire = (bytes: string): string => Buffer.from(bytes, 'latin1').toString()

/** Headers in which each middleware adds its own word. */
export const withWord = (headers: Headers, name: string, word: string): Headers => ({
  ...headers,
  [name]: headers[name] ? `${headers[name]},${word}` : word,
})

/** What Swift takes for yes. */
export const isTrue = (text: string | undefined): boolean =>
  text !== undefined && /^(true|1|yes|on|t|y)$/i.test(text.trim())

export const isSuccess = ({ status }: { status: number }): boolean => status >= 200 && status < 300
