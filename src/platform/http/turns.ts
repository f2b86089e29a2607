/**
 * Requests of one connection are worked on one after the other, whatever a client sends before it has read the answers, and
 * other connections have their turn in between. A connection on which too many wait is closed.
 */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'

/** No client sends so many before it reads an answer. */
const mostWaiting = 100

interface Request {
  response: ServerResponse
  work: () => Promise<void>
}

class ConnectionTurns {
  readonly #socket: Socket
  readonly #waiting: Request[] = []
  #isRunning = false

  constructor(socket: Socket) {
    this.#socket = socket
  }

  add(request: Request) {
    if (this.#socket.destroyed) return
    this.#waiting.push(request)
    // Node would read on and on, and keep all of it.
    if (this.#waiting.length > mostWaiting) this.#socket.destroy()
    else if (!this.#isRunning) void this.#run()
  }

  async #run() {
    this.#isRunning = true
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      await next.work()
      await closed(next.response)
      if (this.#socket.destroyed) break
      if (this.#waiting.length > 0) await nextTurn()
    }
    this.#isRunning = false
  }
}

/** Resolves when the answer is with the kernel, or nobody takes it: who does not read gets no more answers. */
const closed = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    if (response.closed || response.destroyed) resolve()
    else response.once('close', resolve)
  })

const lines = new WeakMap<Socket, ConnectionTurns>()

/** Does the work of a request when those before it on its connection are answered. `work` must not throw. */
export function inTurnOf(socket: Socket, response: ServerResponse, work: () => Promise<void>): void {
  let turns = lines.get(socket)
  if (!turns) lines.set(socket, (turns = new ConnectionTurns(socket)))
  turns.add({ response, work })
}
