/** How services speak to each other: the same requests over a socket or straight into the other's app. */
import { kindOf } from './errors.ts'
import { Readable } from 'node:stream'
import { ServiceError, Unavailable, type ErrorKind } from '../errors.ts'
import type { App } from './app.ts'

export interface ClientRequest {
  method: string
  /** Below the service's endpoint, with its version prefix, e.g. `/v3/auth/tokens`. */
  path: string
  headers?: Record<string, string>
  json?: unknown
  /** An upload; excludes `json`. */
  stream?: Readable
}

export interface ClientResponse {
  status: number
  /** Names in lower case. */
  headers: Record<string, string>
  /** Parsed JSON, text, or a stream for binary answers. */
  body: unknown
}

/** Sends requests to one service. */
export interface Transport {
  send(request: ClientRequest): Promise<ClientResponse>
}

/** Straight into an app of this process; it passes the same authentication, policy, schema and quota code. */
export function localTransport(app: App): Transport {
  return {
    async send({ method, path, headers = {}, json, stream }) {
      const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
      if (json !== undefined) lower['content-type'] ??= 'application/json'
      if (stream) lower['transfer-encoding'] = 'chunked'
      const answer = await app.dispatch({ method, url: path, headers: lower, json, ...(stream && { stream }) })
      const named = Object.entries(answer.headers).map(([name, value]) => [name.toLowerCase(), value] as const)
      return { status: answer.status, headers: Object.fromEntries(named), body: answer.body }
    },
  }
}

/** Over HTTP to `baseUrl`. Rejects with Unavailable when nobody answers within `timeoutMs`. */
export function httpTransport(baseUrl: string, timeoutMs = 60_000): Transport {
  return {
    async send({ method, path, headers = {}, json, stream }) {
      const response = await fetch(baseUrl + path, {
        method,
        headers: { ...headers, ...(json !== undefined && { 'Content-Type': 'application/json' }) },
        ...(json !== undefined && { body: JSON.stringify(json) }),
        ...(stream && { body: Readable.toWeb(stream) as never, duplex: 'half' }),
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
      } as RequestInit).catch((cause: unknown) => {
        throw new Unavailable(`${baseUrl} does not answer`, { cause })
      })
      const names = Object.fromEntries(response.headers)
      const type = names['content-type'] ?? ''
      const body = /json/.test(type)
        ? ((await response.json()) as unknown)
        : type.startsWith('text/') || !response.body
          ? await response.text()
          : Readable.fromWeb(response.body as never)
      return { status: response.status, headers: names, body }
    },
  }
}

/** Another service answered with an error; `status` is its status, `kind` what that stands for, `body` what it said. */
export class RemoteError extends Error {
  readonly status: number
  readonly kind: ErrorKind
  readonly body: unknown
  constructor(what: string, response: ClientResponse) {
    super(`${what} answered ${response.status}: ${messageIn(response.body)}`)
    this.status = response.status
    this.kind = kindOf(response.status)
    this.body = response.body
  }
}

/** The message inside any of OpenStack's error envelopes, those of glance and placement too, which are pages. */
export function messageIn(body: unknown): string {
  if (typeof body === 'string') return body.startsWith('<html>') ? messageInPage(body) : body
  if (typeof body !== 'object' || body === null) return ''
  for (const value of Object.values(body)) {
    const inner = Array.isArray(value) ? (value[0] as unknown) : value
    if (typeof inner === 'object' && inner !== null) {
      const { message, detail } = inner as { message?: unknown; detail?: unknown }
      if (typeof message === 'string') return message
      if (typeof detail === 'string') return detail
    }
    if (typeof inner === 'string') return inner
  }
  return ''
}

const entities: Readonly<Record<string, string>> = { '&lt;': '<', '&gt;': '>', '&amp;': '&' }

const messageInPage = (page: string): string =>
  (/<\/h1>([^]*?)(<br \/>|<\/body>)/.exec(page)?.[1] ?? '')
    .trim()
    .replaceAll(/&(lt|gt|amp);/g, (entity) => entities[entity] ?? entity)

/** Sends requests as one user; the base of every service's `client.ts`. */
export class ServiceClient {
  readonly #name: string
  readonly #transport: Transport
  readonly #token: () => Promise<string>
  readonly #headers: Record<string, string>

  constructor(name: string, transport: Transport, token: () => Promise<string>, headers: Record<string, string> = {}) {
    this.#name = name
    this.#transport = transport
    this.#token = token
    this.#headers = headers
  }

  /** The same client acting with another token, e.g. that of the request being served. */
  withToken(token: string): ServiceClient {
    return new ServiceClient(this.#name, this.#transport, async () => token, this.#headers)
  }

  /** Sends a request; rejects with RemoteError on a status of 400 or more that is not in `accept`. */
  async request(
    request: ClientRequest & { accept?: readonly number[]; requestId?: string | null },
  ): Promise<ClientResponse> {
    const { accept = [], requestId, ...rest } = request
    const headers = {
      ...this.#headers,
      'X-Auth-Token': await this.#token(),
      ...(requestId && { 'X-Openstack-Request-Id': requestId }),
      ...rest.headers,
    }
    const response = await this.#transport.send({ ...rest, headers })
    if (response.status >= 400 && !accept.includes(response.status)) {
      throw new RemoteError(`${this.#name} ${request.method} ${request.path.split('?')[0]}`, response)
    }
    return response
  }

  /**
   * As `request`, for its body. `T` is what the route that answers declares: the asked service's `client.ts` takes it from
   * there, and that service's tests hold its answers to it.
   */
  async ask<T>(method: string, path: string, json?: object): Promise<T> {
    return (await this.request({ method, path, ...(json && { json }) })).body as T
  }

  /** As `ask` for what may not be there; undefined for 404. */
  async find<T>(path: string): Promise<T | undefined> {
    const { status, body } = await this.request({ method: 'GET', path, accept: [404] })
    return status === 404 ? undefined : (body as T)
  }
}

/** Names and values of a query; several values of one name are several parameters, undefined is none. */
export type QueryOf = Readonly<Record<string, string | readonly string[] | undefined>>

/** A path with a query behind it. */
export function withQuery(path: string, query: QueryOf): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    [value ?? []].flat().map((each): [string, string] => [name, each]),
  )
  return pairs.length === 0 ? path : `${path}?${new URLSearchParams(pairs)}`
}

/** Turns another service's refusal into this service's answer; anything else is passed on. */
export function asServiceError(error: unknown): unknown {
  if (!(error instanceof RemoteError) || error.status >= 500) return error
  return new ServiceError(error.kind, messageIn(error.body), { cause: error })
}
