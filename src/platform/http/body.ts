import { HttpError } from './errors.ts'
import type { Readable } from 'node:stream'
import { Invalid } from '../errors.ts'
import type { RawRequest } from './message.ts'
import type { Route } from './route.ts'
import type { ApiDefinition } from './service.ts'

/** OpenStack's default (`[oslo_middleware] max_request_body_size`), in bytes. */
const defaultLimit = 114_688
const deepest = 64
const slowest = 30_000

/**
 * Reads and parses a JSON body. Throws 413 over the limit, 415 on another content type, 408 when it does not arrive
 * within 30 s, and 400 on what is no JSON, is nested too deep or has a `__proto__` key.
 */
export async function readJson(
  request: RawRequest,
  route: Route<unknown>,
  definition: ApiDefinition,
): Promise<unknown> {
  const type = (request.headers['content-type'] ?? 'application/json').split(';')[0]!.trim().toLowerCase()
  if (type !== 'application/json' && !(route.contentTypes ?? []).includes(type)) {
    throw new HttpError(415, `The media type ${type} is not supported, use application/json.`)
  }
  const text = await readText(request, route.bodyLimit ?? definition.bodyLimit ?? defaultLimit)
  if (text.trim() === '' && !definition.malformed) throw new Invalid('The body of the request is empty, expected JSON.')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    if (definition.malformed) throw definition.malformed(cause)
    throw new Invalid('Malformed request body: it is not valid JSON.', { cause })
  }
  checkShape(value, text.includes('__proto__') || text.includes('\\u'), 0)
  return value
}

/** The same for a value from a client in this process. */
export function requireShape(value: unknown): unknown {
  checkShape(value, true, 0)
  return value
}

async function readText({ headers, stream }: RawRequest, limit: number): Promise<string> {
  const tooLarge = () =>
    new HttpError(413, `The body is larger than ${limit} bytes.`, { headers: { Connection: 'close' } })
  if (Number(headers['content-length'] ?? 0) > limit) throw tooLarge()
  if (!stream) return ''
  return (await collect(stream, limit, tooLarge)).toString('utf8')
}

/** Gathers a body. What is not read of one that is refused stays in the stream: destroying it would take the answer along. */
function collect(stream: Readable, limit: number, tooLarge: () => Error): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  return new Promise((resolve, reject) => {
    const finish = (error?: Error) => {
      clearTimeout(timer)
      stream.off('data', take).off('end', end).off('close', lost).pause()
      if (error) reject(error)
      else resolve(Buffer.concat(chunks))
    }
    const take = (chunk: Buffer) => {
      size += chunk.length
      chunks.push(chunk)
      if (size > limit) finish(tooLarge())
    }
    const end = () => finish()
    const lost = (cause?: Error) => finish(new Invalid('The body ended too early.', { cause }))
    const late = () =>
      finish(new HttpError(408, 'The body did not arrive in time.', { headers: { Connection: 'close' } }))
    const timer = setTimeout(late, slowest)
    // Its errors may come when nobody reads it any more.
    stream.on('data', take).on('end', end).on('close', lost).on('error', lost)
    if (stream.destroyed) lost()
  })
}

function checkShape(value: unknown, mayHaveProto: boolean, depth: number): void {
  if (typeof value !== 'object' || value === null) return
  if (depth > deepest) throw new Invalid(`The body is nested deeper than ${deepest} levels.`)
  if (mayHaveProto && Object.hasOwn(value, '__proto__')) throw new Invalid("The key '__proto__' is not allowed.")
  for (const each of Object.values(value)) checkShape(each, mayHaveProto, depth + 1)
}
