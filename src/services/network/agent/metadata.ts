/** The metadata agent: hears guests in the namespaces of routers and DHCP, and asks nova in the name of the server. */
import { createHmac } from 'node:crypto'
import { createServer, request as httpRequest } from 'node:http'
import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http'
import type { Server, Socket } from 'node:net'
import { listenInNamespace } from '../../../host/netns.ts'
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
}

const answerWithinMs = 30_000
/** For each network or router: one tenant's guests cannot use up the agent's sockets. */
const connectionsAtMost = 256
/** What only we may say. */
const ownHeaders = [
  'x-instance-id',
  'x-tenant-id',
  'x-forwarded-for',
  'x-instance-id-signature',
  'x-metadata-provider',
  'x-metadata-provider-signature',
]
const hopHeaders = [
  'connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'proxy-connection',
  'te',
  'trailer',
  'host',
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
      if (this.#listeners.has(netns)) continue
      await attempt(round, { part: 'metadata', what: netns }, () => this.#listen(netns, where))
    }
  }

  stop(): void {
    for (const netns of this.#listeners.keys()) this.#close(netns)
  }

  async #listen(netns: string, where: { address: string; port: number }): Promise<void> {
    const http = createServer({ headersTimeout: 10_000, requestTimeout: 20_000 }, (request, response) =>
      this.#answer(netns, request, response),
    )
    const onConnection = (socket: Socket) => void http.emit('connection', socket)
    const server = await listenInNamespace({ netns, ...where, onConnection })
    server.maxConnections = connectionsAtMost
    this.#listeners.set(netns, { http, server })
  }

  #close(netns: string): void {
    const listener = this.#listeners.get(netns)
    this.#listeners.delete(netns)
    listener?.server.close()
    listener?.http.closeAllConnections()
  }

  #answer(netns: string, request: IncomingMessage, response: ServerResponse): void {
    const address = (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '')
    const client = this.#clients.get(netns)?.get(address)
    if (!client) return end(response, 404)
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
      log.warn({ err: error.message, netns }, 'nova gave no metadata')
      if (response.headersSent) response.destroy()
      else end(response, 503)
    })
    response.on('close', () => upstream.destroy())
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
  const refused = new Set([...ownHeaders, ...hopHeaders])
  const kept = Object.entries(headers).flatMap(([name, value]) =>
    refused.has(name) || value === undefined ? [] : [[name, value] as const],
  )
  return {
    ...Object.fromEntries(kept),
    'X-Instance-ID': deviceId,
    'X-Tenant-ID': projectId,
    'X-Forwarded-For': address,
    'X-Instance-ID-Signature': createHmac('sha256', secret).update(deviceId).digest('hex'),
  }
}

function end(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-type': 'text/plain' }).end()
}
