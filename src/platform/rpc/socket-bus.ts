/**
 * The bus between the control process and the agent process of a host: JSON lines over a unix socket (folder 0700,
 * socket 0600). The agent says which host it is and proves it with the cloud's bus key; from then on every message of
 * that connection is that host's, whatever it claims.
 */
import { chmodSync, rmSync } from 'node:fs'
import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { constantTimeEqual, type Secret } from '../auth/secret.ts'
import { LocalBus, withTimeout } from './local-bus.ts'
import { RpcError, type Bus, type BusHandler, type CallOptions } from './contract.ts'

type Frame =
  | { type: 'hello'; host: string; key: string }
  | { type: 'serve' | 'unserve'; topic: string; host: string }
  | {
      type: 'call'
      id: number
      topic: string
      host: string | null
      method: string
      args: unknown
      requestId: string | null
      timeoutMs?: number
    }
  | { type: 'reply'; id: number; ok: true; value: unknown }
  | { type: 'reply'; id: number; ok: false; message: string; kind: string }
  | { type: 'fanout'; topic: string; method: string; args: unknown; requestId: string | null }

const write = (socket: Socket, frame: Frame) => socket.write(`${JSON.stringify(frame)}\n`)

/** Reads frames; a line that is no frame ends the connection. */
function read(socket: Socket, handle: (frame: Frame) => void) {
  const lines = createInterface({ input: socket })
  // The interface repeats the errors of the socket, which closes for them anyway.
  lines.on('error', () => undefined)
  lines.on('line', (line) => {
    try {
      handle(JSON.parse(line) as Frame)
    } catch {
      socket.destroy()
    }
  })
}

/** Open calls of one connection, by id. */
class Pending {
  readonly #calls = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  #next = 1

  add(): { id: number; reply: Promise<unknown> } {
    const id = this.#next++
    const reply = new Promise((resolve, reject) => this.#calls.set(id, { resolve, reject }))
    return { id, reply }
  }

  settle(frame: Extract<Frame, { type: 'reply' }>) {
    const call = this.#calls.get(frame.id)
    this.#calls.delete(frame.id)
    if (frame.ok) call?.resolve(frame.value)
    else call?.reject(new RpcError(frame.message, frame.kind))
  }

  failAll(why: string) {
    for (const call of this.#calls.values()) call.reject(new RpcError(why, 'Disconnected'))
    this.#calls.clear()
  }
}

async function answer(socket: Socket, id: number, work: Promise<unknown>) {
  try {
    write(socket, { type: 'reply', id, ok: true, value: (await work) ?? null })
  } catch (error) {
    const kind = error instanceof RpcError ? error.kind : error instanceof Error ? error.constructor.name : 'Error'
    write(socket, {
      type: 'reply',
      id,
      ok: false,
      message: error instanceof Error ? error.message : String(error),
      kind,
    })
  }
}

/** Lets agent processes join `bus` through the socket at `path`. */
export async function serveBus(bus: LocalBus, path: string, key: Secret): Promise<{ close(): Promise<void> }> {
  rmSync(path, { force: true })
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy())
    attach(bus, socket, key)
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve))
  chmodSync(path, 0o600)
  return {
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  }
}

function attach(bus: LocalBus, socket: Socket, key: Secret) {
  let peer: string | undefined
  const pending = new Pending()
  const served = new Map<string, () => void>()
  const forward =
    (topic: string, host: string): BusHandler =>
    (method, args, caller) => {
      const { id, reply } = pending.add()
      write(socket, { type: 'call', id, topic, host, method, args, requestId: caller.requestId })
      return reply
    }
  socket.on('close', () => {
    for (const stop of served.values()) stop()
    pending.failAll('the agent process went away')
  })
  read(socket, (frame) => {
    if (frame.type === 'hello') {
      if (!constantTimeEqual(frame.key, key.reveal())) socket.destroy()
      else peer = frame.host
      return
    }
    if (peer === undefined) return void socket.destroy()
    const caller = (requestId: string | null) => ({ host: peer!, requestId })
    switch (frame.type) {
      case 'serve':
        if (frame.host !== peer) return void socket.destroy() // a host answers for itself only
        served.set(frame.topic, bus.serve(frame.topic, frame.host, forward(frame.topic, frame.host)))
        return
      case 'unserve':
        served.get(frame.topic)?.()
        return
      case 'call':
        void answer(
          socket,
          frame.id,
          bus.dispatch(frame.topic, frame.host, frame.method, frame.args, caller(frame.requestId), frame.timeoutMs),
        )
        return
      case 'fanout':
        void bus.fanout(frame.topic, frame.method, frame.args, { requestId: frame.requestId })
        return
      case 'reply':
        pending.settle(frame)
    }
  })
}

/**
 * The agent's end. Connects again by itself whenever the control process comes back; calls made meanwhile are rejected
 * with RpcError `Disconnected`, and agents reconcile when `onConnect` fires.
 */
export class SocketBus implements Bus {
  readonly #path: string
  readonly #host: string
  readonly #key: Secret
  readonly #handlers = new Map<string, BusHandler>()
  readonly #onConnect: (() => void)[] = []
  #socket: Socket | undefined
  #pending = new Pending()
  #closed = false
  #retry: NodeJS.Timeout | undefined

  constructor(path: string, host: string, key: Secret) {
    this.#path = path
    this.#host = host
    this.#key = key
    this.#connect()
  }

  onConnect(listener: () => void) {
    this.#onConnect.push(listener)
  }

  get connected(): boolean {
    return this.#socket !== undefined
  }

  #connect() {
    const socket = createConnection(this.#path)
    socket.on('connect', () => {
      this.#socket = socket
      write(socket, { type: 'hello', host: this.#host, key: this.#key.reveal() })
      for (const topic of this.#handlers.keys()) write(socket, { type: 'serve', topic, host: this.#host })
      for (const listener of this.#onConnect) listener()
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      this.#socket = undefined
      this.#pending.failAll('the control process went away')
      if (!this.#closed) this.#retry = setTimeout(() => this.#connect(), 200)
    })
    read(socket, (frame) => {
      if (frame.type === 'reply') this.#pending.settle(frame)
      if (frame.type !== 'call') return
      const handler = this.#handlers.get(frame.topic)
      const work = handler
        ? handler(frame.method, frame.args, { host: '', requestId: frame.requestId })
        : Promise.reject(new RpcError(`nobody serves ${frame.topic} here`, 'NoServer'))
      void answer(socket, frame.id, work)
    })
  }

  call(topic: string, host: string | null, method: string, args: unknown, options: CallOptions = {}): Promise<unknown> {
    if (!this.#socket) return Promise.reject(new RpcError('the control process is not there', 'Disconnected'))
    const { id, reply } = this.#pending.add()
    const { requestId = null, timeoutMs = 60_000 } = options
    write(this.#socket, { type: 'call', id, topic, host, method, args: args ?? null, requestId, timeoutMs })
    return withTimeout(reply, timeoutMs + 1_000, `${topic}.${method}`)
  }

  async cast(
    topic: string,
    host: string | null,
    method: string,
    args: unknown,
    options: CallOptions = {},
  ): Promise<void> {
    this.call(topic, host, method, args, options).catch(() => undefined)
  }

  async fanout(topic: string, method: string, args: unknown, options: CallOptions = {}): Promise<void> {
    if (this.#socket) write(this.#socket, { type: 'fanout', topic, method, args, requestId: options.requestId ?? null })
  }

  serve(topic: string, host: string, handler: BusHandler): () => void {
    if (host !== this.#host) throw new Error(`this process serves ${this.#host} only, not ${host}`)
    this.#handlers.set(topic, handler)
    if (this.#socket) write(this.#socket, { type: 'serve', topic, host })
    return () => {
      this.#handlers.delete(topic)
      if (this.#socket) write(this.#socket, { type: 'unserve', topic, host })
    }
  }

  close() {
    this.#closed = true
    clearTimeout(this.#retry)
    this.#socket?.destroy()
  }
}
