import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ownsItsChunks, release } from '../../base/chunks.ts'
import type { Logger } from '../log/log.ts'
import type { App } from './app.ts'
import { connections } from './connections.ts'
import { jsonOf } from './json.ts'
import type { RawRequest, RawResponse } from './message.ts'
import { inTurnOf } from './turns.ts'

/** Called once a request is answered; for metrics. */
export type Observer = (service: string, method: string, route: string, status: number, seconds: number) => void

export interface HttpServer {
  readonly port: number
  /** Stops accepting, lets running requests finish for up to `graceMs`, then closes what is left. */
  close(graceMs?: number): Promise<void>
}

/** Serves `app` on an address. Rejects with a sentence that names the port when it cannot be taken. */
export async function serve(
  app: App,
  options: { host: string; port: number; log: Logger; observe?: Observer },
): Promise<HttpServer> {
  const { log } = options
  const server = createServer({
    headersTimeout: 20_000,
    requestTimeout: 0,
    keepAliveTimeout: 65_000,
    maxHeaderSize: 65_536,
  })
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const started = performance.now()
    const work = async () => {
      try {
        const answer = await app.dispatch(rawOf(request))
        await send(request, response, answer)
        const seconds = (performance.now() - started) / 1000
        options.observe?.(app.type, request.method ?? '', answer.route, answer.status, seconds)
        log.debug(
          { requestId: answer.requestId, method: request.method, url: request.url, status: answer.status, seconds },
          'request',
        )
      } catch (error) {
        log.info({ err: error, url: request.url }, 'the client went away')
        response.destroy()
      }
    }
    inTurnOf(request.socket, response, work)
  })
  connections.watch(server)
  server.on('clientError', (_error, socket: Socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
  })
  server.setTimeout(120_000) // idle sockets, slow uploads and downloads
  await listen(server, options.host, options.port)
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : options.port,
    close: (graceMs = 5_000) => close(server, graceMs),
  }
}

const rawOf = (request: IncomingMessage): RawRequest => ({
  method: request.method ?? 'GET',
  url: request.url ?? '/',
  headers: request.headers,
  stream: request,
  ...(request.socket.remoteAddress !== undefined && { peer: request.socket.remoteAddress }),
})

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'EADDRINUSE' ? 'is in use by another program' : `cannot be used: ${cause.message}`
      reject(new Error(`address ${host}:${port} ${why}; choose other ports with --port-base`, { cause }))
    })
    server.listen(port, host, resolve)
  })
}

function close(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), graceMs)
    server.close(() => (clearTimeout(timer), resolve()))
    server.closeIdleConnections()
  })
}

async function send(request: IncomingMessage, response: ServerResponse, answer: RawResponse): Promise<void> {
  // An unread body would be taken for the next request of the connection.
  if (!request.complete && !request.readableEnded) response.setHeader('Connection', 'close')
  for (const [name, value] of Object.entries(answer.headers)) response.setHeader(name, value)
  response.statusCode = answer.status
  const { body } = answer
  if (body instanceof Readable) {
    if (request.method === 'HEAD') return void (body.destroy(), response.end())
    return pipeline(body, ownsItsChunks(body) ? releasing(response) : response)
  }
  const bytes = await encode(body)
  if (bytes === undefined) {
    if (answer.status !== 204 && answer.status !== 304 && !response.hasHeader('Content-Length')) {
      response.setHeader('Content-Length', '0')
    }
    response.end()
    return
  }
  if (!response.hasHeader('Content-Type')) {
    response.setHeader('Content-Type', typeof body === 'string' ? 'text/plain; charset=UTF-8' : 'application/json')
  }
  response.setHeader('Content-Length', Buffer.byteLength(bytes))
  response.end(request.method === 'HEAD' ? undefined : bytes)
}

/** Writes to the response and gives each chunk back when the kernel has it. */
function releasing(response: ServerResponse): Writable {
  const sink = new Writable({
    highWaterMark: 1 << 18,
    write(chunk: Uint8Array, _encoding, done) {
      response.write(chunk, (error) => {
        if (!error) release(chunk)
        done(error)
      })
    },
    final: (done) => void response.end(done),
    destroy(error, done) {
      if (error) response.destroy(error)
      done(error)
    },
  })
  response.once('close', () => sink.destroy(response.writableFinished ? undefined : new Error('the client went away')))
  return sink
}

async function encode(body: unknown): Promise<string | Uint8Array | undefined> {
  if (body === undefined || body === null) return undefined
  return typeof body === 'string' || body instanceof Uint8Array ? body : jsonOf(body)
}
