/**
 * nova's metadata service (8775). Who asks is told by the network's proxy, never by the guest: only requests that the
 * proxy signed are answered.
 */
import { createHmac } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { constantTimeEqual, type Secret } from '../../../platform/auth/secret.ts'
import { connections } from '../../../platform/http/connections.ts'
import type { Logger } from '../../../platform/log/log.ts'
import { lookUp, metadataFiles, type Files, type ServerMetadata } from './document.ts'

export interface MetadataOptions {
  host: string
  port: number
  /** Shared with the metadata proxy (`[neutron] metadata_proxy_shared_secret`). */
  secret: Secret
  /** The server of that id in that project; null when there is none. */
  getServerMetadata(id: string, projectId: string): Promise<ServerMetadata | null>
  log: Logger
}

const keepMs = 15_000
const keepAtMost = 1000

/** Serves metadata; rejects when the port cannot be taken. */
export async function serveMetadata(options: MetadataOptions): Promise<{ port: number; close(): Promise<void> }> {
  const cache = new Map<string, { server: ServerMetadata; files: Files; until: number }>()
  const find = async (id: string, projectId: string) => {
    const known = cache.get(id)
    if (known && known.until > Date.now() && known.server.projectId === projectId) return known
    const server = await options.getServerMetadata(id, projectId)
    if (!server) return undefined
    const entry = { server, files: metadataFiles(server), until: Date.now() + keepMs }
    if (cache.size >= keepAtMost) cache.delete(cache.keys().next().value!)
    cache.set(id, entry)
    return entry
  }
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const id = header(request, 'x-instance-id')
    const projectId = header(request, 'x-tenant-id')
    const signature = header(request, 'x-instance-id-signature')
    if (!id || !projectId || !signature)
      return end(response, 400, 'X-Instance-ID, X-Tenant-ID and a signature are required.')
    const expected = createHmac('sha256', options.secret.reveal()).update(id).digest('hex')
    if (!constantTimeEqual(signature, expected)) {
      options.log.warn({ server: id }, 'metadata asked for with a wrong signature')
      return end(response, 403, 'Invalid proxy request signature.')
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') return end(response, 405, 'Method not allowed.')
    const found = await find(id, projectId)
    const path = pathOf(request)
    const content = found && path !== undefined && lookUp(found.server, found.files, path)
    if (!content) return end(response, 404, 'Not found.')
    response.writeHead(200, {
      'Content-Type': path.endsWith('.json') ? 'application/json' : 'text/plain; charset=UTF-8',
      'Content-Length': content.length,
    })
    response.end(request.method === 'HEAD' ? undefined : content)
  }
  const server = createServer({ headersTimeout: 10_000, requestTimeout: 20_000 }, (request, response) => {
    answer(request, response).catch((error: unknown) => {
      options.log.error({ err: error }, 'metadata request failed')
      if (!response.headersSent) end(response, 500, 'An unknown error has occurred. Please try your request again.')
    })
  })
  connections.watch(server)
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(options.port, options.host, resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : options.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Undefined for what is no path. */
function pathOf({ url = '/' }: IncomingMessage): string | undefined {
  try {
    return decodeURIComponent(url.split('?')[0]!)
  } catch {
    return undefined
  }
}

const header = (request: IncomingMessage, name: string): string | undefined => [request.headers[name]].flat()[0]

function end(response: ServerResponse, status: number, text: string) {
  response
    .writeHead(status, { 'Content-Type': 'text/plain; charset=UTF-8', 'Content-Length': Buffer.byteLength(text) })
    .end(text)
}
