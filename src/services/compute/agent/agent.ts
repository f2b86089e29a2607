/**
 * nova-compute: pulls what this host should run, closes the difference to what runs, reports. Messages only tell it to
 * look now; a lost one is made up for by the periodic full look.
 */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { Journal } from '../../../host/journal.ts'
import type { Logger } from '../../../platform/log/log.ts'
import { rpcClient, rpcServe, RpcError, type Bus } from '../../../platform/rpc/contract.ts'
import type { ComputeDriver } from '../drivers/driver.ts'
import { computeContract, type GuestDescription } from '../rpc/compute.ts'
import { conductorContract, type DesiredServer, type GuestVerdict, type ServerReport } from '../rpc/conductor.ts'
import { ConsoleGate, type ConsoleGateOptions } from './console-gate.ts'
import { converge } from './converge.ts'
import type { Applied } from './records.ts'
import { UnknownGuests } from './unknown-guests.ts'

export interface ComputeAgentOptions {
  host: string
  bus: Bus
  driver: ComputeDriver
  stateDir: string
  /** Where the consoles of its guests are reached. */
  consoles: Pick<ConsoleGateOptions, 'path' | 'owner'>
  log: Logger
  /** Servers that are worked on at the same time. */
  concurrency?: number
  /** Told whenever the agent's health changes: null for fine. */
  onHealth?: (error: string | null) => void
  /** Told what an operator has to decide: null for nothing. */
  onNotice?: (notice: string | null) => void
  /** What this process introduced itself with; any where it did not. */
  session?: string
}

const heartbeatMs = 10_000
const fullLookMs = 15_000

export class ComputeAgent {
  readonly #options: ComputeAgentOptions
  /** Its memory over restarts. */
  readonly #records: Journal<Applied>
  readonly #unknown: UnknownGuests
  readonly #conductor
  readonly #consoles: ConsoleGate
  readonly #slots: Semaphore
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
    this.#unknown = new UnknownGuests(join(options.stateDir, 'unknown.jsonl'), options.log, options.onNotice)
    this.#slots = new Semaphore(options.concurrency ?? 4)
    this.#conductor = rpcClient(options.bus, conductorContract)
    this.#consoles = new ConsoleGate({
      ...options.consoles,
      log: options.log,
      open: (id) => options.driver.openVnc(id),
    })
  }

  async start(): Promise<void> {
    const { bus, driver, host, session = randomUUID() } = this.#options
    await driver.start()
    driver.onChange((id) => this.look([id]))
    this.#stops.push(
      rpcServe(bus, computeContract, host, {
        look: async ({ ids }) => this.look(ids),
        whoServes: async () => ({ session }),
        describeGuests: async ({ ids }) => ({ guests: await this.#describe(ids) }),
        removeGuest: async ({ id }) => this.#removeUnknown(id),
        getHostUptime: async () => ({ uptime: await driver.hostUptime() }),
        getConsoleOutput: async ({ serverId, lines }) => ({ output: await driver.consoleOutput(serverId, lines) }),
        openVncConsole: ({ serverId }) => this.#consoles.issue(serverId),
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
    this.#unknown.flush()
    await this.#consoles.stop()
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
    const { host } = this.#options
    const all = ids ? { ids: [...ids] } : { guests: await this.#guests() }
    const { servers, verdicts } = await this.#conductor.pullServers(null, { host, ...all })
    if (!ids) await this.#clear(verdicts)
    // Not awaited: a guest that takes a minute to shut down must not keep the others waiting.
    for (const server of servers) if (this.#claim(server.id)) void this.#work(server)
  }

  /** Every guest with the last wish that was carried out for it. */
  async #guests() {
    const guests = await this.#options.driver.listGuests()
    return guests.map(({ id }) => ({ id, revision: this.#records.get(id)?.revision ?? 0 }))
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

  /** What is proven to be deleted goes; what nobody knows stays and is told. */
  async #clear(verdicts: readonly { id: string; verdict: GuestVerdict }[]) {
    this.#unknown.settle(verdicts, Date.now())
    for (const { id, verdict } of verdicts) {
      if ((verdict !== 'deleted' && verdict !== 'moved') || this.#busy.has(id)) continue
      this.#options.log.warn({ server: id, verdict }, 'destroying a guest whose server is not here any more')
      await this.#options.driver.destroy(id)
      this.#records.delete(id)
    }
  }

  async #describe(ids: readonly string[]): Promise<GuestDescription[]> {
    const { driver } = this.#options
    const found = await Promise.all(ids.map((id) => driver.findGuest(id)))
    const guests = found.filter((guest) => guest !== undefined)
    return await Promise.all(
      guests.map(async ({ id, power }) => {
        const { name = '', projectId = '', revision = 0 } = this.#records.get(id) ?? {}
        const since = this.#unknown.since(id) ?? null
        return { id, name, projectId, power, revision, since, disks: await driver.listDisks(id) }
      }),
    )
  }

  async #removeUnknown(id: string): Promise<Record<never, never>> {
    const { driver, log } = this.#options
    if (this.#unknown.since(id) === undefined)
      throw new RpcError(`guest ${id} is not unknown here: delete its server instead`, 'Conflict')
    log.warn({ server: id }, 'removing an unknown guest and its disks, as an operator ordered')
    await driver.destroy(id)
    this.#records.delete(id)
    this.#unknown.forget(id)
    return {}
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
class Semaphore {
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
