/** What is said to a guest that asks for metadata, and what is said to nova about it. */
import { createHmac } from 'node:crypto'
import { createServer, request as httpRequest } from 'node:http'
import type { IncomingMessage, Server as HttpServer, ServerOptions, ServerResponse } from 'node:http'
import type { Secret } from '../../../platform/auth/secret.ts'
import { connections } from '../../../platform/http/connections.ts'
import type { Logger } from '../../../platform/log/log.ts'

export interface MetadataClient {
  deviceId: string
  projectId: string
}

export interface MetadataProxyOptions {
  metadataUrl: string
  metadataSecret: Secret
  log: Logger
  /** Who has this address, in the network that this server listens in. */
  clientOf(address: string): MetadataClient | undefined
  limits?: ServerOptions
}

const answerWithinMs = 30_000
/** Metadata are read; the only thing ever sent is a guest's password, encrypted. */
const bodyAtMost = 64 * 1024
/** What only we may say. */
const ownHeaders =
  /^(x-(instance|tenant|project|neutron|ovn|metadata|forwarded|real|auth|service|user|roles|identity|openstack)\b.*|forwarded)$/
const hopHeaders = [
  'connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'proxy-connection',
  'te',
  'trailer',
  'host',
  'expect',
]

/** An HTTP server that does not listen: connections are handed to it. */
export function metadataServer(options: MetadataProxyOptions): HttpServer {
  const limits = { headersTimeout: 10_000, requestTimeout: 20_000, ...options.limits }
  const http = createServer(limits, (request, response) => answer(options, request, response))
  connections.watch(http)
  // Node checks its time limits only where it listens itself.
  http.emit('listening')
  return http
}

function answer(options: MetadataProxyOptions, request: IncomingMessage, response: ServerResponse): void {
  const { metadataUrl, metadataSecret, log, clientOf } = options
  const address = (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '')
  const client = clientOf(address)
  if (!client) return end(response, 404)
  if (Number(request.headers['content-length'] ?? 0) > bodyAtMost) return refuse(request, response)
  const base = new URL(metadataUrl)
  const path = request.url?.startsWith('/') ? request.url : '/'
  const upstream = httpRequest(
    {
      host: base.hostname,
      port: base.port,
      method: request.method,
      path: base.pathname.replace(/\/$/, '') + path,
      headers: metadataHeaders(request.headers, address, client, metadataSecret.reveal()),
      timeout: answerWithinMs,
    },
    (reply) => {
      const kept = Object.entries(reply.headers).filter(([name]) => !hopHeaders.includes(name))
      response.writeHead(reply.statusCode ?? 502, Object.fromEntries(kept))
      reply.pipe(response)
    },
  )
  upstream.on('timeout', () => upstream.destroy(new Error('timeout')))
  upstream.on('error', (error) => {
    if (response.writableEnded) return
    log.warn({ err: error.message, address }, 'nova gave no metadata')
    if (response.headersSent) response.destroy()
    else end(response, 503)
  })
  response.on('close', () => upstream.destroy())
  relay(request, response, upstream)
}

/** A body that grows beyond its limit ends both connections. */
function relay(request: IncomingMessage, response: ServerResponse, upstream: ReturnType<typeof httpRequest>): void {
  let received = 0
  request.on('data', (chunk: Buffer) => {
    received += chunk.length
    if (received <= bodyAtMost) return
    refuse(request, response)
    upstream.destroy()
  })
  request.pipe(upstream)
}

/** The guest's headers, less those that would speak for us, and who it is, signed. */
export function metadataHeaders(
  headers: IncomingMessage['headers'],
  address: string,
  { deviceId, projectId }: MetadataClient,
  secret: string,
): Record<string, string | string[]> {
  const kept = Object.entries(headers).flatMap(([name, value]) => {
    // A server behind WSGI takes both signs for the same.
    const plain = name.replaceAll('_', '-')
    const isRefused = ownHeaders.test(plain) || hopHeaders.includes(plain) || value === undefined
    return isRefused ? [] : [[name, value] as const]
  })
  return {
    ...Object.fromEntries(kept),
    'X-Instance-ID': deviceId,
    'X-Tenant-ID': projectId,
    'X-Forwarded-For': address,
    'X-Instance-ID-Signature': createHmac('sha256', secret).update(deviceId).digest('hex'),
  }
}

/** The connection ends with the answer: what is still coming is not read. */
function refuse(request: IncomingMessage, response: ServerResponse): void {
  request.pause()
  if (response.headersSent) return void response.destroy()
  response.writeHead(413, { 'content-type': 'text/plain', connection: 'close' }).end()
}

function end(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-type': 'text/plain' }).end()
}
