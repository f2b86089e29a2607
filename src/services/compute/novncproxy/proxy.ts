/** nova-novncproxy (6080): the noVNC page and a WebSocket that ends at the guest's VNC server, by way of its host's agent. */
import { createReadStream, existsSync, statSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import { dirname, extname, join, normalize, sep } from 'node:path'
import type { Duplex } from 'node:stream'
import { WebSocketServer, type WebSocket } from 'ws'
import { connections } from '../../../platform/http/connections.ts'
import type { Logger } from '../../../platform/log/log.ts'
import type { ConsoleTicket } from '../rpc/console-ticket.ts'
import { joinConsole } from './join-console.ts'
import { consolePage } from './page.ts'

export interface NovncOptions {
  host: string
  port: number
  /** What opens the console of a token; null for a token that is unknown or has expired. */
  openConsole(token: string): Promise<ConsoleTicket | null>
  log: Logger
  /** `host:port` names that pages may come from besides this proxy's own address. */
  allowedOrigins?: readonly string[]
}

const types: Record<string, string> = {
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
}
const largestFrame = 1 << 20

/** Serves consoles; rejects when the port cannot be taken. */
export async function serveNovncProxy(options: NovncOptions): Promise<{ port: number; close(): Promise<void> }> {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: largestFrame, handleProtocols: () => 'binary' })
  const server = createServer({ headersTimeout: 10_000, requestTimeout: 20_000 }, serveFile)
  connections.watch(server)
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(options.port, options.host, resolve))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : options.port
  const origins = new Set([
    ...(options.allowedOrigins ?? []),
    `${options.host}:${port}`,
    `127.0.0.1:${port}`,
    `localhost:${port}`,
  ])
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    open(request, socket, head).catch((error: unknown) => {
      options.log.warn({ err: error }, 'a console could not be opened')
      refuse(socket, '500 Internal Server Error')
    })
  })

  async function open(request: IncomingMessage, socket: Duplex, head: Buffer) {
    const { origin } = request.headers
    if (origin !== undefined && !isAllowed(origin, origins)) return refuse(socket, '403 Forbidden')
    const token = tokenOf(request)
    const target = token === undefined ? null : await options.openConsole(token)
    if (!target) return refuse(socket, '403 Forbidden')
    const guest = await joinConsole(target)
    // Whoever asked may have gone meanwhile, which no upgrade would notice.
    guest.on('error', () => guest.destroy())
    socket.once('close', () => guest.destroy())
    if (socket.destroyed) return void guest.destroy()
    sockets.handleUpgrade(request, socket, head, (client) => bridge(client, guest))
  }

  return {
    port,
    close: () =>
      new Promise((resolve) => {
        for (const client of sockets.clients) client.terminate()
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** The list of origins is the proxy's own: the Host header of a request cannot add to it. */
function isAllowed(origin: string, origins: ReadonlySet<string>): boolean {
  try {
    return origins.has(new URL(origin).host)
  } catch {
    return false
  }
}

/** In the query, or in the cookie that nova's proxy knows too. */
function tokenOf(request: IncomingMessage): string | undefined {
  const query = new URLSearchParams((request.url ?? '').split('?')[1] ?? '').get('token')
  const cookie = /(?:^|;\s*)token=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1]
  return query ?? cookie ?? undefined
}

function bridge(client: WebSocket, guest: Socket) {
  client.on(
    'message',
    (data: Buffer) => void (guest.write(data) || (client.pause(), guest.once('drain', () => client.resume()))),
  )
  guest.on('data', (data) => {
    guest.pause()
    client.send(data, { binary: true }, () => guest.resume())
  })
  client.on('close', () => guest.destroy()).on('error', () => guest.destroy())
  guest.on('close', () => client.close()).on('error', () => client.close())
}

function refuse(socket: Duplex, status: string) {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

const novnc = dirname(dirname(createRequire(import.meta.url).resolve('@novnc/novnc')))

/** The page under nova's names, and noVNC's modules; never a redirect, never a path outside of the package. */
function serveFile(request: IncomingMessage, response: ServerResponse) {
  const [path = '/'] = (request.url ?? '/').split('?')
  if (path === '/vnc_auto.html' || path === '/vnc_lite.html' || path === '/vnc.html') {
    response.writeHead(200, {
      'Content-Type': 'text/html; charset=UTF-8',
      'Content-Security-Policy': consolePage.policy,
    })
    response.end(consolePage.html)
    return
  }
  if (path === '/console.js')
    return void response.writeHead(200, { 'Content-Type': 'text/javascript' }).end(consolePage.script)
  const file = normalize(join(novnc, path))
  const isInside = file.startsWith(novnc + sep) && /^\/(core|vendor)\/[\w./-]+\.js$/.test(path)
  if (!isInside || !existsSync(file) || !statSync(file).isFile()) return void response.writeHead(404).end()
  response.writeHead(200, { 'Content-Type': types[extname(file)] ?? 'application/octet-stream' })
  createReadStream(file).pipe(response)
}
