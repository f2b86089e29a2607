import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { isPassable, pass } from '../../base/chunks.ts'
import type { Logger } from '../log/log.ts'
import { sourceOf, Throttle } from '../log/throttle.ts'
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
  const moreAborts = (peer: string, more: number) => log.info({ peer, more }, 'more clients like it went away')
  const aborts = new Throttle({ most: 20, windowMs: 60_000, summary: moreAborts })
  const server = createServer({
    headersTimeout: 20_000,
    requestTimeout: 0,
    keepAliveTimeout: 65_000,
    maxHeaderSize: 65_536,
  })
  const handle = (request: IncomingMessage, response: ServerResponse) => {
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
        if (aborts.admits(sourceOf(request.socket.remoteAddress)))
          log.info({ err: error, url: request.url }, 'the client went away')
        response.destroy()
      }
    }
    inTurnOf(request.socket, response, work)
  }
  server.on('request', handle)
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    continueWhenRead(request, response)
    handle(request, response)
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

/** Who asks before sending a body is told to go on when somebody reads it: a refusal costs him no upload. */
function continueWhenRead(request: IncomingMessage, response: ServerResponse) {
  const read = request._read.bind(request)
  request._read = (size) => {
    request._read = read
    if (!response.headersSent) response.writeContinue()
    read(size)
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
    return isPassable(body) ? passTo(response, body) : pipeline(body, response)
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

/** Writes a body chunk by chunk, each when the kernel has the one before. Rejects when the client goes away. */
async function passTo(response: ServerResponse, body: Readable): Promise<void> {
  let fail: (error: Error) => void = () => undefined
  const gone = () => {
    fail(new Error('the client went away'))
    // Without an error: where the body is being read just now nobody listens for one, and it would end the process.
    body.destroy()
  }
  response.once('close', gone)
  try {
    await pass(
      body,
      (chunk) =>
        new Promise<void>((resolve, reject) => {
          fail = reject
          response.write(chunk, (error) => (error ? reject(error) : resolve()))
        }),
    )
    await new Promise<void>((resolve, reject) => {
      fail = reject
      response.end(resolve)
    })
  } finally {
    response.off('close', gone)
    body.destroy()
  }
}

async function encode(body: unknown): Promise<string | Uint8Array | undefined> {
  if (body === undefined || body === null) return undefined
  return typeof body === 'string' || body instanceof Uint8Array ? body : jsonOf(body)
}
