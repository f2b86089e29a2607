/** Which headers go on to the storage servers, and which come back. */
import type { Node } from '../model/ring/ring.ts'
import type { Headers, Request } from '../wire/message.ts'

/** Only those who own an account see and set them. */
export const ownerHeaders = [
  'x-container-read',
  'x-container-write',
  'x-container-sync-key',
  'x-container-sync-to',
  'x-account-meta-temp-url-key',
  'x-account-meta-temp-url-key-2',
  'x-container-meta-temp-url-key',
  'x-container-meta-temp-url-key-2',
]

const containerHeaders = ['read', 'write', 'sync-key', 'sync-to'].map((name) => `x-container-${name}`)

/** `x-remove-container-meta-color` removes `x-container-meta-color`. */
function removedBy(name: string, kind: 'account' | 'container'): string | undefined {
  const removed = name.startsWith(`x-remove-${kind}-`) ? name.replace('x-remove-', 'x-') : undefined
  if (removed === undefined) return undefined
  return removed.startsWith(`x-${kind}-meta-`) || containerHeaders.includes(removed) ? removed : undefined
}

/** Metadata for an account or a container; what is to be removed is set to nothing. */
export function metadataHeaders({ headers, context }: Request, kind: 'account' | 'container', time: string): Headers {
  const out: Headers = { 'x-timestamp': time, 'x-trans-id': context.transactionId }
  for (const [name, value] of Object.entries(headers)) {
    const removed = removedBy(name, kind)
    if (removed !== undefined) out[removed] = ''
    else if (
      name.startsWith(`x-${kind}-meta-`) ||
      name.startsWith(`x-${kind}-sysmeta-`) ||
      name.startsWith('x-backend-')
    )
      out[name] ??= value
    else if (kind === 'container' && containerHeaders.includes(name)) out[name] ??= value
  }
  return out
}

const objectHeaders = new Set([
  'content-type',
  'content-length',
  'content-encoding',
  'content-disposition',
  'content-language',
  'transfer-encoding',
  'cache-control',
  'expires',
  'etag',
  'if-none-match',
  'x-delete-at',
  'x-if-delete-at',
  'x-object-manifest',
  'x-static-large-object',
  'x-robots-tag',
])
const readHeaders = new Set([
  'range',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'if-range',
  'x-newest',
])

const only = (headers: Headers, isWanted: (name: string) => boolean): Headers =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => isWanted(name)))

/** For writing an object. */
export const objectHeadersOf = ({ headers, context }: Request, time: string): Headers => ({
  ...only(headers, (name) => objectHeaders.has(name) || name.startsWith('x-object-') || name.startsWith('x-backend-')),
  'x-timestamp': time,
  'x-trans-id': context.transactionId,
})

/** For reading anything. */
export const readHeadersOf = ({ headers, context }: Request): Headers => ({
  ...only(headers, (name) => readHeaders.has(name) || name.startsWith('x-backend-')),
  'x-trans-id': context.transactionId,
})

/** Which of the servers above each replica tells: `x-account-…` of containers, `x-container-…` of objects. */
export function tellHeaders(kind: 'account' | 'container', nodes: readonly Node[], part: number, replicas: number) {
  return (index: number): Headers => {
    const own = nodes.filter((_, at) => at % replicas === index)
    if (own.length === 0) return {}
    const address = ({ ip, port }: Node) => `${ip.includes(':') ? `[${ip}]` : ip}:${port}`
    return {
      [`x-${kind}-host`]: own.map(address).join(','),
      [`x-${kind}-device`]: own.map(({ device }) => device).join(','),
      [`x-${kind}-partition`]: String(part),
    }
  }
}

/** What a client sees of an answer: tags without quotes, nothing that is between servers. */
export function shown(headers: Headers): Headers {
  const { 'x-put-timestamp': _put, ...rest } = headers
  return {
    ...rest,
    ...(rest['etag'] !== undefined && { etag: rest['etag'].replaceAll('"', '') }),
    'accept-ranges': 'bytes',
  }
}

export const withoutOwners = (headers: Headers): Headers => only(headers, (name) => !ownerHeaders.includes(name))
