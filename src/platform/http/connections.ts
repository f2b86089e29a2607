/**
 * All connections of this process' HTTP servers share its open files with databases, logs and guests. When they would
 * take too many, the one that has been idle for longest is given up: who holds connections open keeps nobody out.
 */
import { readFileSync } from 'node:fs'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

const refusal = 'HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n'

export class Connections {
  /** Requests that are worked on, by connection; those used last come last. */
  readonly #open = new Map<Socket, number>()
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  get count(): number {
    return this.#open.size
  }

  /** Counts the connections of a server from now on. */
  watch(server: Server): void {
    server.on('connection', (socket: Socket) => this.#add(socket))
    server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
      this.#touch(socket, 1)
      response.once('close', () => this.#touch(socket, -1))
    })
    // What becomes of it is no business of HTTP any more.
    server.on('upgrade', ({ socket }: IncomingMessage) => this.#touch(socket, 1))
  }

  #add(socket: Socket) {
    if (this.#open.size >= this.#limit && !this.#giveUpOne()) {
      socket.on('error', () => undefined).end(refusal)
      socket.destroySoon()
      return
    }
    this.#open.set(socket, 0)
    socket.once('close', () => this.#open.delete(socket))
  }

  #touch(socket: Socket, change: number) {
    const requests = this.#open.get(socket)
    if (requests === undefined) return
    this.#open.delete(socket)
    this.#open.set(socket, requests + change)
  }

  #giveUpOne(): boolean {
    for (const [socket, requests] of this.#open) {
      if (requests > 0) continue
      this.#open.delete(socket)
      socket.destroy()
      return true
    }
    return false
  }
}

/** More than this would be a matter of memory. */
const most = 4000

/** What is left of the open files for connections, beside everything else that a process of ours holds open. */
export function connectionBudget(openFiles: number): number {
  const others = Math.min(Math.max(openFiles / 4, 100), 256)
  return Math.max(16, Math.min(most, Math.floor(openFiles - others)))
}

function openFilesAllowed(): number {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
    return soft === undefined ? Infinity : Number(soft)
  } catch {
    return 1024
  }
}

/** Those of this process. */
export const connections = new Connections(connectionBudget(openFilesAllowed()))
