/** The metadata agent: hears guests in the namespaces of routers and DHCP, and asks nova in the name of the server. */
import { createHmac } from 'node:crypto'
import { createServer, request as httpRequest } from 'node:http'
import { stat } from 'node:fs/promises'
import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http'
import type { Server, Socket } from 'node:net'
import { listenInNamespace } from '../../../host/netns.ts'
import { netnsName } from '../../../host/safe-text.ts'
import { attempt, type AgentContext, type Round } from './context.ts'
import { metadataAddress } from './dhcp.ts'
import { dhcpNamespace, routerNamespace } from './names.ts'
import { metadataPort } from './nat.ts'

export interface MetadataClient {
  deviceId: string
  projectId: string
}
type Clients = ReadonlyMap<string, MetadataClient>
interface Listener {
  server: Server
  http: HttpServer
  /** Which namespace it listens in: one that was made anew has the same name. */
  inode: number
}

const answerWithinMs = 30_000
/** Metadata are read; the only thing ever sent is a guest's password, encrypted. */
const bodyAtMost = 64 * 1024
/** For each network or router: one tenant's guests cannot use up the agent's sockets. */
const connectionsAtMost = 256
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

export class MetadataProxy {
  readonly #context: AgentContext
  readonly #listeners = new Map<string, Listener>()
  #clients = new Map<string, Clients>()

  constructor(context: AgentContext) {
    this.#context = context
  }

  async converge(round: Round): Promise<void> {
    const { routers, dhcp } = round.state
    const wanted = new Map<string, { address: string; port: number }>()
    const clients = new Map<string, Clients>()
    for (const router of routers.filter(({ adminStateUp }) => adminStateUp)) {
      const netns = routerNamespace(router.id)
      wanted.set(netns, { address: '0.0.0.0', port: metadataPort })
      clients.set(netns, new Map(router.metadataClients.map(({ ip, ...client }) => [ip, client])))
    }
    for (const { networkId, hosts } of dhcp.filter(({ servesMetadata }) => servesMetadata)) {
      const netns = dhcpNamespace(networkId)
      wanted.set(netns, { address: metadataAddress, port: 80 })
      clients.set(netns, new Map(hosts.flatMap((host) => host.addresses.map(({ ip }) => [ip, host] as const))))
    }
    this.#clients = clients
    for (const netns of this.#listeners.keys()) if (!wanted.has(netns)) this.#close(netns)
    for (const [netns, where] of wanted) {
      await attempt(round, { part: 'metadata', what: netns }, async () => {
        const { ino } = await stat(`/run/netns/${netnsName(netns)}`)
        if (this.#listeners.get(netns)?.inode === ino) return
        this.#close(netns)
        await this.#listen(netns, where, ino)
      })
    }
  }

  stop(): void {
    for (const netns of this.#listeners.keys()) this.#close(netns)
  }

  async #listen(netns: string, where: { address: string; port: number }, inode: number): Promise<void> {
    const http = createServer({ headersTimeout: 10_000, requestTimeout: 20_000 }, (request, response) =>
      this.#answer(netns, request, response),
    )
    // Node checks its time limits only where it listens itself; here the connections are handed to it.
    http.emit('listening')
    const onConnection = (socket: Socket) => void http.emit('connection', socket)
    const server = await listenInNamespace({ netns, ...where, onConnection })
    server.maxConnections = connectionsAtMost
    this.#listeners.set(netns, { http, server, inode })
  }

  #close(netns: string): void {
    const listener = this.#listeners.get(netns)
    this.#listeners.delete(netns)
    listener?.server.close()
    listener?.http.closeAllConnections()
    listener?.http.close()
  }

  #answer(netns: string, request: IncomingMessage, response: ServerResponse): void {
    const address = (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '')
    const client = this.#clients.get(netns)?.get(address)
    if (!client) return end(response, 404)
    if (Number(request.headers['content-length'] ?? 0) > bodyAtMost) return refuse(request, response)
    const { metadataUrl, metadataSecret, log } = this.#context
    const base = new URL(metadataUrl)
    const headers = metadataHeaders(request.headers, address, client, metadataSecret.reveal())
    const path = request.url?.startsWith('/') ? request.url : '/'
    const upstream = httpRequest(
      {
        host: base.hostname,
        port: base.port,
        method: request.method,
        path: base.pathname.replace(/\/$/, '') + path,
        headers,
        timeout: answerWithinMs,
      },
      (answer) => {
        const kept = Object.entries(answer.headers).filter(([name]) => !hopHeaders.includes(name))
        response.writeHead(answer.statusCode ?? 502, Object.fromEntries(kept))
        answer.pipe(response)
      },
    )
    upstream.on('timeout', () => upstream.destroy(new Error('timeout')))
    upstream.on('error', (error) => {
      if (response.writableEnded) return
      log.warn({ err: error.message, netns }, 'nova gave no metadata')
      if (response.headersSent) response.destroy()
      else end(response, 503)
    })
    response.on('close', () => upstream.destroy())
    let received = 0
    request.on('data', (chunk: Buffer) => {
      received += chunk.length
      if (received <= bodyAtMost) return
      upstream.destroy()
      refuse(request, response)
    })
    request.pipe(upstream)
  }
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
