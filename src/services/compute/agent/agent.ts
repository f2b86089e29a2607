/**
 * nova-compute: pulls what this host should run, closes the difference to what runs, reports. Messages only tell it to
 * look now; a lost one is made up for by the periodic full look.
 */
import { join } from 'node:path'
import type { Logger } from '../../../platform/log/log.ts'
import { rpcClient, rpcServe, type Bus } from '../../../platform/rpc/contract.ts'
import type { ComputeDriver } from '../drivers/driver.ts'
import { computeContract } from '../rpc/compute.ts'
import { conductorContract, type DesiredServer, type ServerReport } from '../rpc/conductor.ts'
import { converge } from './converge.ts'
import { Records } from './records.ts'

export interface ComputeAgentOptions {
  host: string
  bus: Bus
  driver: ComputeDriver
  stateDir: string
  log: Logger
  /** Servers that are worked on at the same time. */
  concurrency?: number
  /** Gathers writes of the agent's records (ms); 0 for real guests. */
  recordDelayMs?: number
  /** Told whenever the agent's health changes: null for fine. */
  onHealth?: (error: string | null) => void
}

const heartbeatMs = 10_000
const fullLookMs = 15_000

export class ComputeAgent {
  readonly #options: ComputeAgentOptions
  readonly #records: Records
  readonly #conductor
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
    this.#records = new Records(join(options.stateDir, 'records.json'), options.recordDelayMs ?? 0)
    this.#conductor = rpcClient(options.bus, conductorContract)
  }

  async start(): Promise<void> {
    const { bus, driver, host } = this.#options
    await driver.start()
    driver.onChange((id) => this.look([id]))
    this.#stops.push(
      rpcServe(bus, computeContract, host, {
        look: async ({ ids }) => this.look(ids),
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
      await this.#conductor.reportHost(host, { host, report: await driver.describeHost() })
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
    const guests = new Map((await driver.listGuests()).map((guest) => [guest.id, guest]))
    if (!ids) await this.#destroyUnwanted(servers, [...guests.keys()])
    const free = servers.filter((server) => this.#claim(server.id))
    await inParallel(free, this.#options.concurrency ?? 4, async (server) => {
      try {
        await this.#report(await converge(driver, this.#records, server, guests.get(server.id)))
      } finally {
        this.#release(server.id)
      }
    })
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

/** Runs `work` for all items, at most `width` at a time; rejects with the first failure after all have ended. */
async function inParallel<T>(items: readonly T[], width: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items]
  const failures: unknown[] = []
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
      await work(item).catch((error: unknown) => failures.push(error))
    }
  }
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker))
  if (failures.length > 0) throw failures[0]
}
