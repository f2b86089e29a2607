/**
 * The bus between the control process and the agent processes of hosts: frames over a unix socket (folder 0700, socket
 * 0600, of the control plane's user; agents are root). The agent says which host it is and proves it with the cloud's bus key; from then on every message of that
 * connection is that host's. A message that cannot be read or sent fails its own call, never the connection.
 */
import { chmodSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { connectToSocket } from '../../base/unix-socket.ts'
import { constantTimeEqual, type Secret } from '../auth/secret.ts'
import { LocalBus, withTimeout } from './local-bus.ts'
import { isReservedName, RpcError, type Bus, type BusHandler, type CallOptions } from './contract.ts'
import { largestFrame, readFrames, type Frame } from './frames.ts'
import { messageOf, Peer, recordOf, type BusLog } from './peer.ts'

/** Where the bus is and what proves that one belongs to it. */
export interface BusAddress {
  path: string
  key: Secret
  log: BusLog
}

/** The bus as its server knows it. */
export interface ServedBus extends BusAddress {
  /** Proves that one is of the control plane; `key` proves that one is a host's agent. */
  controlKey: Secret
}

/** Room for a host's name and the key. */
const longestHello = 4096

/** Lets agent processes join `bus` through a socket. */
export async function serveBus(bus: LocalBus, address: ServedBus): Promise<{ close(): Promise<void> }> {
  rmSync(address.path, { force: true })
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy())
    attach(bus, socket, address)
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(address.path, resolve))
  chmodSync(address.path, 0o600)
  return {
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  }
}

function attach(bus: LocalBus, socket: Socket, { key, controlKey, log }: ServedBus) {
  let host: string | undefined
  const peer = new Peer(socket, log)
  const served = new Map<string, () => void>()
  socket.on('close', () => {
    for (const stop of served.values()) stop()
    peer.failAll('the agent process went away')
  })
  const greet = ({ kind, body }: Frame) => {
    const { host: name, key: proof } = recordOf(body)
    if (kind !== 'hello' || typeof name !== 'string' || typeof proof !== 'string') return socket.destroy()
    const wanted = isReservedName(name) ? controlKey : key
    if (!constantTimeEqual(proof, wanted.reveal())) return socket.destroy()
    host = name
  }
  /** A host answers for itself only: its name is the connection's, not the message's. */
  const serve = (topic: string, name: string) => {
    const forward: BusHandler = (method, args, caller) =>
      peer.ask({ topic, host: name, method, args, requestId: caller.requestId, caller: caller.host })
    served.set(topic, bus.serveFor(topic, name, forward))
  }
  const handle = (name: string, frame: Frame) => {
    if (peer.settle(frame)) return
    const { kind, id, body } = frame
    const { topic } = recordOf(body)
    if (kind === 'serve' && typeof topic === 'string') return serve(topic, name)
    if (kind === 'unserve' && typeof topic === 'string') return served.get(topic)?.()
    const message = messageOf(body)
    if (!message || (kind !== 'call' && kind !== 'fanout')) return peer.skip(kind, id, 'it is no such message')
    const { method, args, requestId, timeoutMs } = message
    if (kind === 'fanout') return void bus.fanout(message.topic, method, args, { requestId })
    const caller = { host: name, requestId }
    void peer.answer(id, bus.dispatch(message.topic, message.host, method, args, caller, timeoutMs))
  }
  readFrames(socket, {
    // A stranger gets nothing, also no memory.
    limit: () => (host === undefined ? longestHello : largestFrame),
    onFrame: (frame) => (host === undefined ? greet(frame) : handle(host, frame)),
    onBad: (kind, id, reason) => (host === undefined ? void socket.destroy() : peer.skip(kind, id, reason)),
  })
}

/**
 * The other end, of an agent or of another process of the control plane. Connects again by itself whenever the control process comes back; calls made meanwhile are rejected
 * with RpcError `Disconnected`, and agents reconcile when `onConnect` fires.
 */
export class SocketBus implements Bus {
  readonly #address: BusAddress
  readonly #host: string
  readonly #handlers = new Map<string, BusHandler>()
  readonly #onConnect: (() => void)[] = []
  #socket: Socket | undefined
  /** Set while connected. */
  #peer: Peer | undefined
  #closed = false
  #retry: NodeJS.Timeout | undefined

  constructor(address: BusAddress, host: string) {
    this.#address = address
    this.#host = host
    this.#connect()
  }

  onConnect(listener: () => void) {
    this.#onConnect.push(listener)
  }

  get connected(): boolean {
    return this.#peer !== undefined
  }

  /** Resolves when the control process, which may still be starting, is there. */
  async whenConnected(): Promise<void> {
    while (!this.connected) await new Promise((resolve) => setTimeout(resolve, 20))
  }

  #connect() {
    const socket = connectToSocket(this.#address.path)
    const peer = new Peer(socket, this.#address.log)
    this.#socket = socket
    socket.on('connect', () => {
      this.#peer = peer
      peer.tell('hello', { host: this.#host, key: this.#address.key.reveal() })
      for (const topic of this.#handlers.keys()) peer.tell('serve', { topic })
      for (const listener of this.#onConnect) listener()
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      this.#peer = undefined
      peer.failAll('the control process went away')
      if (!this.#closed) this.#retry = setTimeout(() => this.#connect(), 200)
    })
    readFrames(socket, {
      limit: () => largestFrame,
      onFrame: (frame) => this.#handle(peer, frame),
      onBad: (kind, id, reason) => peer.skip(kind, id, reason),
    })
  }

  #handle(peer: Peer, frame: Frame) {
    if (peer.settle(frame)) return
    const message = frame.kind === 'call' ? messageOf(frame.body) : undefined
    if (!message) return peer.skip(frame.kind, frame.id, 'it is no such message')
    const handler = this.#handlers.get(message.topic)
    const work = handler
      ? handler(message.method, message.args, { host: message.caller ?? '', requestId: message.requestId })
      : Promise.reject(new RpcError(`nobody serves ${message.topic} here`, 'NoServer'))
    void peer.answer(frame.id, work)
  }

  async call(
    topic: string,
    host: string | null,
    method: string,
    args: unknown,
    options: CallOptions = {},
  ): Promise<unknown> {
    if (!this.#peer) throw new RpcError('the control process is not there', 'Disconnected')
    const { requestId = null, timeoutMs = 60_000 } = options
    const reply = this.#peer.ask({ topic, host, method, args, requestId, timeoutMs })
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
    this.#peer?.tell('fanout', { topic, method, args, requestId: options.requestId ?? null })
  }

  serve(topic: string, host: string, handler: BusHandler): () => void {
    if (host !== this.#host && !isReservedName(this.#host))
      throw new Error(`this process serves ${this.#host} only, not ${host}`)
    this.#handlers.set(topic, handler)
    this.#peer?.tell('serve', { topic })
    return () => {
      this.#handlers.delete(topic)
      this.#peer?.tell('unserve', { topic })
    }
  }

  close() {
    this.#closed = true
    clearTimeout(this.#retry)
    this.#socket?.destroy()
  }
}
