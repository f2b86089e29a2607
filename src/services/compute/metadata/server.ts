/**
 * nova's metadata service (8775). Who asks is told by the network's proxy, never by the guest: only requests that the
 * proxy signed are answered.
 */
import { createHmac } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { constantTimeEqual, type Secret } from '../../../platform/auth/secret.ts'
import { connections } from '../../../platform/http/connections.ts'
import type { Logger } from '../../../platform/log/log.ts'
import type { ServerMetadata, Sources } from './document.ts'
import { isPassword, lookUp } from './look-up.ts'
import { answerPassword, type PasswordStore } from './password.ts'
import { end } from './respond.ts'

export interface MetadataOptions extends PasswordStore {
  host: string
  port: number
  /** Shared with the metadata proxy (`[neutron] metadata_proxy_shared_secret`). */
  secret: Secret
  /** Seconds that a server's metadata are kept for its next question. */
  cacheS: number
  /** The server of that id in that project; null when there is none. */
  getServerMetadata(id: string, projectId: string): Promise<Metadata | null>
  log: Logger
}

interface Metadata {
  server: ServerMetadata
  sources: Sources
}

const keepAtMost = 1000

/** Serves metadata; rejects when the port cannot be taken. */
export async function serveMetadata(options: MetadataOptions): Promise<{ port: number; close(): Promise<void> }> {
  const find = cached(options)
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const asked = proven(request, options)
    if ('refused' in asked) return end(response, asked.refused, asked.why)
    const path = pathOf(request)
    const found = path === undefined ? undefined : await find(asked.id, asked.projectId)
    if (path === undefined || !found) return end(response, 404, 'Not found.')
    if (isPassword(path)) return await answerPassword(request, response, found.server.id, options)
    if (request.method !== 'GET' && request.method !== 'HEAD') return end(response, 405, 'Method not allowed.')
    const content = await lookUp(found.server, path, found.sources, header(request, 'x-forwarded-for')?.split(',')[0])
    if (!content) return end(response, 404, 'Not found.')
    response.writeHead(200, {
      'Content-Type': content.type,
      'Content-Length': Buffer.byteLength(content.body),
    })
    response.end(request.method === 'HEAD' ? undefined : content.body)
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

/** Metadata by server, each for a while: a guest that starts reads file by file. */
function cached({ cacheS, getServerMetadata }: MetadataOptions) {
  const cache = new Map<string, { found: Metadata; until: number }>()
  return async (id: string, projectId: string): Promise<Metadata | undefined> => {
    const known = cache.get(id)
    if (known && known.until > Date.now() && known.found.server.projectId === projectId) return known.found
    const found = await getServerMetadata(id, projectId)
    if (!found) return undefined
    if (cache.size >= keepAtMost) cache.delete(cache.keys().next().value!)
    if (cacheS > 0) cache.set(id, { found, until: Date.now() + cacheS * 1000 })
    return found
  }
}

type Asked = { id: string; projectId: string } | { refused: 400 | 403; why: string }

/** Who asks, as the proxy vouches for. */
function proven(request: IncomingMessage, { secret, log }: MetadataOptions): Asked {
  const id = header(request, 'x-instance-id')
  const signature = header(request, 'x-instance-id-signature')
  const projectId = header(request, 'x-tenant-id')
  const missing = (name: string): Asked => ({ refused: 400, why: `${name} header is missing from request.` })
  if (!id) return missing('X-Instance-ID')
  if (!signature) return missing('X-Instance-ID-Signature')
  if (!projectId) return missing('X-Tenant-ID')
  const expected = createHmac('sha256', secret.reveal()).update(id).digest('hex')
  if (constantTimeEqual(signature, expected)) return { id, projectId }
  log.warn({ server: id }, 'metadata asked for with a wrong signature')
  return { refused: 403, why: 'Invalid proxy request signature.' }
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
