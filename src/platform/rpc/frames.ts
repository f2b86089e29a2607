/**
 * How messages stand on a connection: 4 bytes of length, a byte for the kind, 4 bytes for the number of the call, then
 * JSON in UTF-8. What a message holds cannot be taken for its end, and one that cannot be read is skipped: whom it was for is
 * known from the head, so that only its own call fails.
 */
import type { Socket } from 'node:net'
import { RpcError } from './contract.ts'

const kinds = ['hello', 'serve', 'unserve', 'call', 'reply', 'error', 'fanout'] as const
export type Kind = (typeof kinds)[number]

export interface Frame {
  kind: Kind
  /** Number of the call that this belongs to; 0 for none. */
  id: number
  body: unknown
}

const headBytes = 9
/** Larger than the desired state of a full host by far. */
export const largestFrame = 32 << 20
/** What may wait for a peer that does not read. */
const mostQueued = 2 * largestFrame

/** Sends a frame; throws RpcError for what is no JSON, too large, or too much for a peer that does not read. */
export function writeFrame(socket: Socket, kind: Kind, id: number, body: unknown, limit = largestFrame): void {
  if (socket.writableLength > mostQueued) throw new RpcError('the other side does not read its messages', 'Overloaded')
  const json = Buffer.from(jsonOf(body))
  if (json.length > limit) throw new RpcError(`a message of ${json.length} bytes is over ${limit}`, 'TooLarge')
  const head = Buffer.allocUnsafe(headBytes)
  head.writeUInt32BE(json.length, 0)
  head.writeUInt8(kinds.indexOf(kind), 4)
  head.writeUInt32BE(id, 5)
  socket.write(Buffer.concat([head, json]))
}

function jsonOf(body: unknown): string {
  try {
    return JSON.stringify(body ?? null)
  } catch (cause) {
    throw new RpcError('a message cannot be written as JSON', 'BadMessage', { cause })
  }
}

export interface FrameListener {
  onFrame(frame: Frame): void
  /** A message that was skipped; `kind` is undefined when nobody knows it. */
  onBad(kind: Kind | undefined, id: number, reason: string): void
  /** Largest body that is taken now, in bytes. */
  limit(): number
}

/** Reads the frames of a connection. */
export function readFrames(socket: Socket, listener: FrameListener): void {
  let head: Buffer = Buffer.alloc(0)
  let chunks: Buffer[] = []
  let missing = 0
  let isSkipped = false
  const begin = () => {
    missing = head.readUInt32BE(0)
    isSkipped = missing > listener.limit()
    if (isSkipped) listener.onBad(kinds[head[4]!], head.readUInt32BE(5), `its ${missing} bytes are too many`)
  }
  const end = () => {
    if (!isSkipped) deliver(head, chunks, listener)
    head = Buffer.alloc(0)
    chunks = []
  }
  socket.on('data', (data: Buffer) => {
    let rest = data
    // A frame without a body ends with its head.
    while (rest.length > 0 && !socket.destroyed) {
      if (head.length < headBytes) {
        const part = rest.subarray(0, headBytes - head.length)
        head = Buffer.concat([head, part])
        rest = rest.subarray(part.length)
        if (head.length < headBytes) return
        begin()
      }
      const part = rest.subarray(0, missing)
      if (!isSkipped) chunks.push(part)
      missing -= part.length
      rest = rest.subarray(part.length)
      if (missing === 0) end()
    }
  })
}

function deliver(head: Buffer, chunks: readonly Buffer[], listener: FrameListener): void {
  const kind = kinds[head[4]!]
  const id = head.readUInt32BE(5)
  if (kind === undefined) return listener.onBad(kind, id, `kind ${head[4]} is not known`)
  let body: unknown
  try {
    body = JSON.parse(Buffer.concat(chunks).toString())
  } catch {
    return listener.onBad(kind, id, 'it is no JSON')
  }
  listener.onFrame({ kind, id, body })
}
