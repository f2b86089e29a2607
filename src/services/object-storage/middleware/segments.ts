/** An object that is made of others: its bytes are those of its segments, one after the other. */
import { Readable } from 'node:stream'
import { answer, Refusal } from '../wire/answers.ts'
import { bareEtag } from '../wire/conditions.ts'
import { subrequest, type Handler, type Request, type Response, type Sliceable } from '../wire/message.ts'

/** Part of an object, or bytes that stand in the list itself. */
export type Segment =
  | { readonly path: string; readonly size: number; readonly etag: string; readonly first: number }
  | { readonly data: Buffer; readonly size: number }

/** Lists within lists; whoever needs more wants to keep us busy. */
const mostDepth = 10

interface Part {
  readonly segment: Segment
  readonly start: number
  readonly end: number
}

/** What of each segment is between two bytes of the whole; both are included. */
export function partsBetween(segments: readonly Segment[], start: number, end: number): Part[] {
  const parts: Part[] = []
  let before = 0
  for (const segment of segments) {
    const from = Math.max(start - before, 0)
    const to = Math.min(end - before, segment.size - 1)
    if (from <= to) parts.push({ segment, start: from, end: to })
    before += segment.size
  }
  return parts
}

export const sizeOf = (segments: readonly Segment[]): number => segments.reduce((sum, { size }) => sum + size, 0)

/** The whole as a body; the first segment that is asked for must be there, and what it was. */
export function bodyOf(handler: Handler, request: Request, segments: readonly Segment[], source: string): Sliceable {
  const depth = (request.context.depth ?? 0) + 1
  const fetch = async ({ segment, start, end }: Part): Promise<Readable> => {
    if ('data' in segment) return Readable.from([segment.data.subarray(start, end + 1)])
    const read = subrequest(
      request,
      {
        method: 'GET',
        path: segment.path,
        headers: { range: `bytes=${segment.first + start}-${segment.first + end}` },
      },
      { source, depth, isAuthorized: false },
    )
    const response = depth > mostDepth ? answer(409) : await handler(read)
    const isSame = segment.etag === '' || bareEtag(response.headers['etag'] ?? '') === segment.etag
    if ((response.status === 200 || response.status === 206) && isSame) return readableOf(response)
    if (response.body instanceof Readable) response.body.destroy()
    // Who may not read a part may not read the whole.
    throw new Refusal(answer(response.status === 401 || response.status === 403 ? response.status : 409))
  }
  return {
    size: sizeOf(segments),
    async open(start, end) {
      const parts = partsBetween(segments, start, end)
      const first = parts[0] ? await fetch(parts[0]) : Readable.from([])
      async function* all() {
        yield* first as AsyncIterable<Buffer>
        for (const part of parts.slice(1)) yield* (await fetch(part)) as AsyncIterable<Buffer>
      }
      return Readable.from(all(), { objectMode: false }).once('close', () => first.destroy())
    },
    close: () => undefined,
  }
}

export const readableOf = ({ body }: Response): Readable =>
  body instanceof Readable
    ? body
    : Readable.from(typeof body === 'string' ? [Buffer.from(body)] : body instanceof Uint8Array ? [body] : [])

/** A body that must fit into memory. Refuses a longer one. */
export async function contentOf(body: Readable | undefined, most: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of (body ?? []) as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > most) throw new Refusal(answer(413, `The body is longer than ${most} bytes\n`))
    chunks.push(Buffer.from(chunk))
  }
  return Buffer.concat(chunks)
}
