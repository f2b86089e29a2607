import type { Socket } from 'node:net'
import type { Logger } from '../log/log.ts'
import { RpcError } from './contract.ts'
import { writeFrame, type Frame, type Kind } from './frames.ts'

/** What a bus tells of messages that it could not pass on. */
export type BusLog = Pick<Logger, 'warn'>

const longestReason = 10_000

/** What a call or a fanout holds. */
export interface Message {
  topic: string
  host: string | null
  method: string
  args: unknown
  requestId: string | null
  timeoutMs?: number
  /** Who asks, as the server of the bus vouches for; what others say of it is not looked at. */
  caller?: string
}

/** Both ends of a connection: open calls, their answers, and what cannot be read. */
export class Peer {
  readonly #socket: Socket
  readonly #log: BusLog
  readonly #open = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  #next = 1

  constructor(socket: Socket, log: BusLog) {
    this.#socket = socket
    this.#log = log
  }

  /** Sends what nobody answers; what cannot be sent is told in the log. */
  tell(kind: Kind, body: unknown) {
    try {
      writeFrame(this.#socket, kind, 0, body)
    } catch (error) {
      this.#log.warn({ err: error, kind }, 'a message was not sent')
    }
  }

  async ask(message: Message): Promise<unknown> {
    const id = this.#next
    this.#next = id === 0xffff_ffff ? 1 : id + 1
    writeFrame(this.#socket, 'call', id, message)
    return new Promise((resolve, reject) => this.#open.set(id, { resolve, reject }))
  }

  async answer(id: number, work: Promise<unknown>): Promise<void> {
    try {
      writeFrame(this.#socket, 'reply', id, await work)
    } catch (error) {
      const kind = error instanceof RpcError ? error.kind : error instanceof Error ? error.constructor.name : 'Error'
      const message = error instanceof Error ? error.message : String(error)
      this.#refuse(id, message.slice(0, longestReason), kind)
    }
  }

  /** Takes an answer; false when the frame is none. */
  settle({ kind, id, body }: Frame): boolean {
    if (kind !== 'reply' && kind !== 'error') return false
    const call = this.#open.get(id)
    this.#open.delete(id)
    if (kind === 'reply') call?.resolve(body)
    else {
      const { message, kind: why } = recordOf(body)
      call?.reject(new RpcError(String(message), String(why)))
    }
    return true
  }

  /** A message that was skipped: who waits for it, here or there, is told. */
  skip(kind: Kind | undefined, id: number, reason: string) {
    this.#log.warn({ kind, reason }, 'a message was skipped')
    if (kind === 'call') this.#refuse(id, `the message was skipped: ${reason}`, 'BadMessage')
    if (kind !== 'reply' && kind !== 'error') return
    this.#open.get(id)?.reject(new RpcError(`the answer was skipped: ${reason}`, 'BadMessage'))
    this.#open.delete(id)
  }

  failAll(why: string) {
    for (const call of this.#open.values()) call.reject(new RpcError(why, 'Disconnected'))
    this.#open.clear()
  }

  #refuse(id: number, message: string, kind: string) {
    try {
      writeFrame(this.#socket, 'error', id, { message, kind })
    } catch (error) {
      this.#log.warn({ err: error }, 'an answer was not sent')
    }
  }
}

/** The fields of a body, none when it has none. */
export const recordOf = (body: unknown): Record<string, unknown> =>
  typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {}

/** The fields of a call or fanout; undefined when they are of other types. */
export function messageOf(body: unknown): Message | undefined {
  const { topic, host = null, method, args, requestId, timeoutMs, caller } = recordOf(body)
  if (typeof topic !== 'string' || typeof method !== 'string') return undefined
  if (host !== null && typeof host !== 'string') return undefined
  return {
    topic,
    host,
    method,
    args,
    requestId: typeof requestId === 'string' ? requestId : null,
    ...(typeof timeoutMs === 'number' && { timeoutMs }),
    ...(typeof caller === 'string' && { caller }),
  }
}
