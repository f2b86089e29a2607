/**
 * A client of QEMU's machine protocol on a unix socket: one JSON object a line. QEMU speaks with one client at a time; a
 * second one waits for its greeting. Durations are milliseconds. A command that QEMU refuses is a `QmpError`; a
 * connection that ends, or a peer that does not speak QMP, is a `QmpDisconnected`.
 */
import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { connectToSocket } from '../base/unix-socket.ts'
import { TimedOut } from '../base/wait.ts'

export type QmpArguments = Readonly<Record<string, unknown>>
export type QmpEvent = { name: string; data: Readonly<Record<string, unknown>>; seconds: number }
type Events = { event: [QmpEvent]; close: [] }

export class QmpError extends Error {
  override name = 'QmpError'
  readonly command: string
  /** QEMU's error class: `GenericError`, `CommandNotFound`, `DeviceNotFound`, ... */
  readonly qmpClass: string
  readonly description: string

  constructor(command: string, qmpClass: string, description: string) {
    super(`QEMU refused ${command}: ${description}`)
    this.command = command
    this.qmpClass = qmpClass
    this.description = description
  }
}

export class QmpDisconnected extends Error {
  override name = 'QmpDisconnected'
}

type Pending = { command: string; resolve: (value: unknown) => void; reject: (error: Error) => void }
type Message = {
  QMP?: unknown
  event?: string
  data?: Record<string, unknown>
  timestamp?: { seconds: number }
  id?: number
  return?: unknown
  error?: { class: string; desc: string }
}

const maxMessageBytes = 8 * 1024 * 1024
const defaultTimeoutMs = 10_000

/** Connects and negotiates; afterwards commands may be executed. */
export async function connectQmp(path: string, { timeoutMs = defaultTimeoutMs } = {}): Promise<QmpClient> {
  const socket = connectToSocket(path)
  const client = new QmpClient(socket, path)
  try {
    await client.greet(timeoutMs)
    await client.execute('qmp_capabilities', {}, { timeoutMs })
    return client
  } catch (error) {
    client.close()
    throw error
  }
}

export class QmpClient extends EventEmitter<Events> {
  readonly #socket: Socket
  readonly #path: string
  readonly #pending = new Map<number, Pending>()
  readonly #greeting = Promise.withResolvers<void>()
  #nextId = 1
  #chunks: Buffer[] = []
  #bufferedBytes = 0
  #failure: QmpDisconnected | undefined

  constructor(socket: Socket, path: string) {
    super()
    this.setMaxListeners(0)
    this.#socket = socket
    this.#path = path
    this.#greeting.promise.catch(() => {})
    socket.on('data', (chunk) => this.#receive(chunk))
    socket.on('error', (cause) => this.#disconnect(`cannot speak with QEMU at ${path}`, cause))
    socket.on('close', () => this.#disconnect(`QEMU closed the connection at ${path}`))
  }

  get isConnected(): boolean {
    return this.#failure === undefined
  }

  async greet(timeoutMs: number): Promise<void> {
    await withDeadline(this.#greeting.promise, timeoutMs, `the greeting of QEMU at ${this.#path}`)
  }

  /** The reply's `return`. After a timeout the command may still take effect. */
  async execute(command: string, args: QmpArguments = {}, { timeoutMs = defaultTimeoutMs } = {}): Promise<unknown> {
    if (this.#failure) throw this.#failure
    const id = this.#nextId++
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    this.#pending.set(id, { command, resolve, reject })
    this.#socket.write(`${JSON.stringify({ execute: command, arguments: args, id })}\n`)
    try {
      return await withDeadline(promise, timeoutMs, `QEMU's answer to ${command}`)
    } finally {
      this.#pending.delete(id)
    }
  }

  /**
   * The next event that `accepts`. Call it before the command that causes the event, and await it after.
   * Rejects with `TimedOut` or `QmpDisconnected`.
   */
  async waitForEvent(accepts: (event: QmpEvent) => boolean, { timeoutMs = defaultTimeoutMs } = {}): Promise<QmpEvent> {
    if (this.#failure) throw this.#failure
    const { promise, resolve, reject } = Promise.withResolvers<QmpEvent>()
    const onEvent = (event: QmpEvent) => {
      if (accepts(event)) resolve(event)
    }
    const onClose = () => reject(this.#failure ?? new QmpDisconnected(this.#path))
    this.on('event', onEvent)
    this.once('close', onClose)
    try {
      return await withDeadline(promise, timeoutMs, `an event of QEMU at ${this.#path}`)
    } finally {
      this.off('event', onEvent)
      this.off('close', onClose)
    }
  }

  close(): void {
    this.#disconnect(`the connection to ${this.#path} was closed`)
  }

  #receive(chunk: Buffer): void {
    let rest = chunk
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      const line = Buffer.concat([...this.#chunks, rest.subarray(0, end)])
      this.#chunks = []
      this.#bufferedBytes = 0
      rest = rest.subarray(end + 1)
      this.#handle(line.toString())
    }
    this.#chunks.push(rest)
    this.#bufferedBytes += rest.length
    if (this.#bufferedBytes > maxMessageBytes) this.#disconnect(`a message from ${this.#path} is too long`)
  }

  #handle(line: string): void {
    if (line.trim() === '' || this.#failure) return
    const message = parseMessage(line)
    if (message === undefined) this.#disconnect(`${this.#path} does not speak QMP`)
    else if (message.QMP !== undefined) this.#greeting.resolve()
    else if (message.event !== undefined) {
      const { event: name, data = {}, timestamp } = message
      this.emit('event', { name, data, seconds: timestamp?.seconds ?? 0 })
    } else if (message.id !== undefined) this.#settle(message.id, message)
  }

  #settle(id: number, { error, return: value }: Message): void {
    const pending = this.#pending.get(id)
    if (!pending) return // its caller has stopped waiting
    if (error) pending.reject(new QmpError(pending.command, error.class, error.desc))
    else pending.resolve(value)
  }

  #disconnect(message: string, cause?: unknown): void {
    if (this.#failure) return
    this.#failure = new QmpDisconnected(message, { cause })
    this.#socket.destroy()
    this.#greeting.reject(this.#failure)
    for (const { reject } of this.#pending.values()) reject(this.#failure)
    this.emit('close')
  }
}

function parseMessage(line: string): Message | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? (value as Message) : undefined
  } catch {
    return undefined
  }
}

async function withDeadline<T>(promise: Promise<T>, timeoutMs: number, what: string): Promise<T> {
  const deadline = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => deadline.reject(new TimedOut(`${what} did not come within ${timeoutMs} ms`)),
    timeoutMs,
  )
  try {
    return await Promise.race([promise, deadline.promise])
  } finally {
    clearTimeout(timer)
  }
}
