/**
 * Where the consoles of this host's guests are reached. A stream is joined to a guest's console for who shows a ticket that
 * nova-compute gave for it: good once and soon. What may look at a console the control plane has decided before.
 */
import { randomBytes } from 'node:crypto'
import { chmodSync, chownSync, mkdirSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { pipeline, type Duplex } from 'node:stream'
import { takeBytes } from '../../../base/take-bytes.ts'
import { Secret } from '../../../platform/auth/secret.ts'
import type { Logger } from '../../../platform/log/log.ts'
import { RpcError } from '../../../platform/rpc/contract.ts'
import { accepted, ticketLength, type ConsoleTicket } from '../rpc/console-ticket.ts'

export interface ConsoleGateOptions {
  /** Its socket, in a folder of this user's own. */
  path: string
  /** Whose the socket is: the control plane's user where that is another one. */
  owner?: { readonly uid: number; readonly gid: number }
  /** A new stream to the console of a guest; rejects where it has none. */
  open(serverId: string): Promise<Duplex>
  log: Pick<Logger, 'warn'>
  limits?: Partial<typeof usualLimits>
}

const usualLimits = {
  /** From a ticket to its use. */
  ticketMs: 10_000,
  /** From a connection to its ticket. */
  helloMs: 5000,
  /** Consoles of one server, with the tickets for more. */
  ofOneServer: 8,
  ofAll: 256,
  /** Connections that have shown no ticket yet. */
  strangers: 64,
}

interface Ticket {
  secret: Secret
  serverId: string
  expiresAt: number
}

export class ConsoleGate {
  readonly #options: ConsoleGateOptions
  readonly #limits: typeof usualLimits
  readonly #tickets = new Set<Ticket>()
  readonly #strangers = new Set<Socket>()
  /** What is joined, by the server that it shows. */
  readonly #joined = new Map<Socket, string>()
  #server: Promise<Server> | undefined

  constructor(options: ConsoleGateOptions) {
    this.#options = options
    this.#limits = { ...usualLimits, ...options.limits }
  }

  /** Lets one connection to the console of a server in. Nothing listens before the first time. */
  async issue(serverId: string): Promise<ConsoleTicket> {
    this.#dropExpired()
    const open = [...this.#joined.values(), ...[...this.#tickets].map((ticket) => ticket.serverId)]
    if (open.filter((id) => id === serverId).length >= this.#limits.ofOneServer)
      throw new RpcError(`too many consoles of server ${serverId} are open`, 'Conflict')
    if (open.length >= this.#limits.ofAll) throw new RpcError('too many consoles of this host are open', 'Conflict')
    const text = randomBytes(32).toString('base64url')
    this.#tickets.add({ secret: new Secret(text), serverId, expiresAt: performance.now() + this.#limits.ticketMs })
    this.#server ??= this.#listen()
    await this.#server.catch((error: unknown) => {
      this.#server = undefined // the next console tries again
      throw error
    })
    return { socketPath: this.#options.path, host: '', port: 0, ticket: text }
  }

  async stop(): Promise<void> {
    const server = await this.#server?.catch(() => undefined)
    for (const socket of [...this.#strangers, ...this.#joined.keys()]) socket.destroy()
    if (server) await new Promise((resolve) => server.close(resolve))
  }

  async #listen(): Promise<Server> {
    const { path, owner } = this.#options
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    rmSync(path, { force: true })
    const server = createServer((socket) => void this.#admit(socket))
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve))
    chmodSync(path, 0o600)
    if (owner) chownSync(path, owner.uid, owner.gid)
    return server
  }

  async #admit(socket: Socket): Promise<void> {
    socket.on('error', () => socket.destroy())
    if (this.#strangers.size >= this.#limits.strangers) return void socket.destroy()
    this.#strangers.add(socket)
    socket.once('close', () => (this.#strangers.delete(socket), this.#joined.delete(socket)))
    const timer = setTimeout(() => socket.destroy(), this.#limits.helloMs)
    try {
      const shown = await takeBytes(socket, ticketLength)
      const serverId = shown && this.#redeem(shown.toString('latin1'))
      if (serverId === undefined) return void socket.destroy()
      this.#joined.set(socket, serverId)
      this.#strangers.delete(socket)
      await this.#join(socket, serverId)
    } catch (error) {
      this.#options.log.warn({ err: error }, 'a console could not be opened')
      socket.destroy()
    } finally {
      clearTimeout(timer)
    }
  }

  async #join(socket: Socket, serverId: string): Promise<void> {
    const guest = await this.#options.open(serverId)
    if (socket.destroyed) return void guest.destroy()
    socket.write(accepted)
    // The end of either is the end of both, and who reads slowly is waited for.
    pipeline(socket, guest, socket, () => undefined)
    guest.once('close', () => socket.end())
    socket.once('close', () => guest.destroy())
  }

  /** Every ticket is compared, so that the time tells nothing of them. */
  #redeem(text: string): string | undefined {
    this.#dropExpired()
    const [found] = [...this.#tickets].filter(({ secret }) => secret.equals(text))
    if (!found) return undefined
    this.#tickets.delete(found)
    return found.serverId
  }

  #dropExpired() {
    const now = performance.now()
    for (const ticket of this.#tickets) if (ticket.expiresAt <= now) this.#tickets.delete(ticket)
  }
}
