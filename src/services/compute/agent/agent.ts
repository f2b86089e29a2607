/**
 * nova-compute: pulls what this host should run, closes the difference to what runs, reports. Messages only tell it to
 * look now; a lost one is made up for by the periodic full look.
 */
import { join } from 'node:path'
import { Journal } from '../../../host/journal.ts'
import type { Logger } from '../../../platform/log/log.ts'
import { rpcClient, rpcServe, type Bus } from '../../../platform/rpc/contract.ts'
import type { ComputeDriver } from '../drivers/driver.ts'
import { computeContract } from '../rpc/compute.ts'
import { conductorContract, type DesiredServer, type ServerReport } from '../rpc/conductor.ts'
import { converge } from './converge.ts'
import type { Applied } from './records.ts'

export interface ComputeAgentOptions {
  host: string
  bus: Bus
  driver: ComputeDriver
  stateDir: string
  log: Logger
  /** Servers that are worked on at the same time. */
  concurrency?: number
  /** Told whenever the agent's health changes: null for fine. */
  onHealth?: (error: string | null) => void
}

const heartbeatMs = 10_000
const fullLookMs = 15_000

export class ComputeAgent {
  readonly #options: ComputeAgentOptions
  /** Its memory over restarts. */
  readonly #records: Journal<Applied>
  readonly #conductor
  readonly #slots: Slots
  readonly #busy = new Set<string>()
  readonly #again = new Set<string>()
  readonly #wanted = new Set<string>()
  readonly #reported = new Map<string, string>()
  #fullWanted = true
  #looking: Promise<void> | undefined
  #stopped = false
  #stops: (() => void)[] = []

  constructor(options: ComputeAgentOptions) {
    this.#options = options
    this.#records = new Journal(join(options.stateDir, 'records.jsonl'))
    this.#slots = new Slots(options.concurrency ?? 4)
    this.#conductor = rpcClient(options.bus, conductorContract)
  }

  async start(): Promise<void> {
    const { bus, driver, host } = this.#options
    await driver.start()
    driver.onChange((id) => this.look([id]))
    this.#stops.push(
      rpcServe(bus, computeContract, host, {
        look: async ({ ids }) => this.look(ids),
        getHostUptime: async () => ({ uptime: await driver.hostUptime() }),
        getConsoleOutput: async ({ serverId, lines }) => ({ output: await driver.consoleOutput(serverId, lines) }),
        getVncConsole: ({ serverId }) => driver.vncConsole(serverId),
      }),
      every(heartbeatMs, () => void this.heartbeat()),
      every(fullLookMs, () => this.look()),
    )
    await this.heartbeat()
    this.look()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    for (const stop of this.#stops) stop()
    await this.#looking
    this.#records.flush()
    await this.#options.driver.stop()
  }

  /** The control process is there again: it may have forgotten what was reported. */
  reconnected() {
    this.#reported.clear()
    void this.heartbeat()
    this.look()
  }

  /** Looks at these servers, or at all, as soon as possible; many calls become one look. */
  look(ids?: readonly string[]) {
    if (ids) for (const id of ids) this.#wanted.add(id)
    else this.#fullWanted = true
    this.#looking ??= this.#lookLoop().finally(() => (this.#looking = undefined))
  }

  async heartbeat(): Promise<void> {
    const { driver, host } = this.#options
    try {
      await this.#conductor.reportHost(null, { host, report: await driver.describeHost() })
      this.#options.onHealth?.(null)
    } catch (error) {
      this.#options.onHealth?.(error instanceof Error ? error.message : String(error))
    }
  }

  async #lookLoop() {
    while (!this.#stopped && (this.#fullWanted || this.#wanted.size > 0)) {
      const isFull = this.#fullWanted
      const ids = [...this.#wanted]
      this.#fullWanted = false
      this.#wanted.clear()
      try {
        await this.#lookOnce(isFull ? undefined : ids)
      } catch (error) {
        // The next heartbeat, reconnect or full look tries again.
        this.#options.log.warn({ err: error }, 'cannot pull or report now')
        this.#fullWanted ||= isFull
        await new Promise((resolve) => setTimeout(resolve, 500))
        if (!isFull) for (const id of ids) this.#wanted.add(id)
      }
    }
  }

  async #lookOnce(ids: readonly string[] | undefined) {
    const { driver, host } = this.#options
    const { servers } = await this.#conductor.pullServers(null, { host, ...(ids && { ids: [...ids] }) })
    if (!ids) {
      const existing = (await driver.listGuests()).map((guest) => guest.id)
      await this.#destroyUnwanted(servers, existing)
    }
    // Not awaited: a guest that takes a minute to shut down must not keep the others waiting.
    for (const server of servers) if (this.#claim(server.id)) void this.#work(server)
  }

  async #work(server: DesiredServer) {
    await this.#slots.take()
    try {
      const guest = await this.#options.driver.findGuest(server.id)
      await this.#report(await converge(this.#options.driver, this.#records, server, guest))
    } catch (error) {
      this.#options.log.warn({ err: error, server: server.id }, 'cannot report now, trying again')
      setTimeout(() => this.look([server.id]), 500).unref()
    } finally {
      this.#slots.give()
      this.#release(server.id)
    }
  }

  /** Guests that nobody wants: their server was deleted while this agent was away. */
  async #destroyUnwanted(servers: readonly DesiredServer[], existing: readonly string[]) {
    const wanted = new Set(servers.map((server) => server.id))
    for (const id of existing) {
      if (wanted.has(id)) continue
      this.#options.log.warn({ server: id }, 'destroying a guest that no server stands for')
      await this.#options.driver.destroy(id)
      this.#records.delete(id)
    }
  }

  #claim(id: string): boolean {
    if (this.#busy.has(id)) {
      this.#again.add(id)
      return false
    }
    this.#busy.add(id)
    return true
  }

  #release(id: string) {
    this.#busy.delete(id)
    if (this.#again.delete(id)) this.look([id])
  }

  async #report(report: ServerReport) {
    const { events, ...state } = report
    // Nobody waits for the news that a guest still waits for its network.
    if (report.power === 'building' && !report.error && events.length === 0) return
    const text = JSON.stringify(state)
    if (events.length === 0 && this.#reported.get(report.id) === text) return
    await this.#conductor.reportServers(null, { host: this.#options.host, reports: [report] })
    if (report.power === 'missing') this.#reported.delete(report.id)
    else this.#reported.set(report.id, text)
  }
}

function every(ms: number, work: () => void): () => void {
  const timer = setInterval(work, ms)
  return () => clearInterval(timer)
}

/** Lets a number of holders in at a time; the others wait in order. */
class Slots {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(count: number) {
    this.#free = count
  }

  async take(): Promise<void> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  give() {
    const next = this.#waiting.shift()
    if (next) next()
    else this.#free++
  }
}
