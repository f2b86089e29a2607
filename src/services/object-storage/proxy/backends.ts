/** How the proxy and the storage servers reach a storage server: in this process, or over HTTP. */
import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { pipeline } from 'node:stream/promises'
import type { Readable } from 'node:stream'
import type { Node } from '../model/ring/ring.ts'
import { decodePath, encodePath } from '../model/names.ts'
import type { Tell } from '../servers/request.ts'
import { newContext, titleCase, type Handler, type Headers, type Response } from '../wire/message.ts'

export type ServerKind = 'account' | 'container' | 'object'

export interface BackendMessage {
  readonly method: string
  /** `/part/account/…`, without percent signs. */
  readonly path: string
  readonly headers: Headers
  readonly query?: ReadonlyMap<string, string>
  readonly body?: Readable
}

type NodeAddress = Pick<Node, 'ip' | 'port' | 'device'>

/** The address of the servers in this process. */
export const hereIp = 'local'

export interface Backends {
  isHere(node: NodeAddress): boolean
  /** Rejects where nobody answers. */
  send(kind: ServerKind, node: NodeAddress, message: BackendMessage): Promise<Response>
}

export interface BackendOptions {
  /** The servers of this process, and the `ip:port` under which rings know them. */
  readonly here: Readonly<Record<ServerKind, Handler>>
  readonly addresses: Readonly<Record<ServerKind, string | undefined>>
  readonly connectMs: number
  readonly answerMs: number
}

export function backendsOf({ here, addresses, connectMs, answerMs }: BackendOptions): Backends & { close(): void } {
  const agent = new Agent({ keepAlive: true, maxSockets: 256 })
  const addressOf = ({ ip, port }: NodeAddress) => `${ip.includes(':') ? `[${ip}]` : ip}:${port}`
  const isHere = (node: NodeAddress, kind?: ServerKind) =>
    node.ip === hereIp || (kind !== undefined && addresses[kind] !== undefined && addresses[kind] === addressOf(node))

  const sendHere = (kind: ServerKind, device: string, { method, path, headers, query, body }: BackendMessage) =>
    here[kind]({
      method,
      path: `/${device}${path}`,
      query: query ?? new Map(),
      headers,
      body,
      context: newContext(headers['x-trans-id'] ?? '-'),
    })

  const sendOver = (node: NodeAddress, { method, path, headers, query, body }: BackendMessage) =>
    new Promise<Response>((resolve, reject) => {
      const search = query && query.size > 0 ? `?${new URLSearchParams([...query])}` : ''
      const request = httpRequest({
        agent,
        host: node.ip,
        port: node.port,
        method,
        path: `/${encodePath(node.device)}${encodePath(path)}${search}`,
        headers: {
          ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [titleCase(name), value])),
          ...(body && { Expect: '100-continue' }),
        },
      })
      const late = setTimeout(() => request.destroy(new Error('nobody answers')), connectMs)
      request.once('socket', (socket) => {
        if (!socket.connecting) clearTimeout(late)
        else socket.once('connect', () => clearTimeout(late))
      })
      request.setTimeout(answerMs, () => request.destroy(new Error('no answer comes')))
      request.once('error', (error) => {
        clearTimeout(late)
        reject(error)
      })
      request.once('response', (message) =>
        resolve({ status: message.statusCode ?? 500, headers: flat(message.headers), body: message }),
      )
      if (!body) request.end()
      else {
        request.flushHeaders()
        request.once('continue', () => void pipeline(body, request).catch((error: Error) => request.destroy(error)))
      }
    })

  return {
    isHere,
    async send(kind, node, message) {
      if (isHere(node, kind)) return sendHere(kind, node.device, message)
      const response = await sendOver(node, message)
      // Only bodies of objects are large.
      return kind === 'object' && message.method === 'GET' ? response : { ...response, body: await textOf(response) }
    },
    close: () => agent.destroy(),
  }
}

/** Of a connection, not of what was asked for. */
const ofConnection = new Set(['connection', 'keep-alive', 'date', 'server', 'transfer-encoding'])

const flat = (headers: IncomingHttpHeaders): Headers =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined || ofConnection.has(name) ? [] : [[name, Array.isArray(value) ? value.join(',') : value]],
    ),
  )

async function textOf({ body }: Response): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of body as Readable) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** For storage servers: `address` is `ip:port`, the path has percent signs. */
export const tellOver =
  (backends: Backends): Tell =>
  async ({ address, device }, { kind, method, path, headers }) => {
    const at = address.lastIndexOf(':')
    const node = { ip: address.slice(0, at).replaceAll(/[[\]]/g, ''), port: Number(address.slice(at + 1)), device }
    const { status } = await backends.send(kind, node, { method, path: decodePath(path) ?? path, headers })
    return status
  }
