/**
 * The network agents of a host that run in this process: they pull what the host shall look like and make it so. Whatever
 * wakes them - a cast, a new tap, the clock - the same convergence runs, one at a time. Parts in other processes are met on
 * the host only: what one needs of another it finds there, or says that it is missing and tries again.
 */
import { LinkMonitor } from '../../../host/link-monitor.ts'
import { listLinks } from '../../../host/links.ts'
import { rpcClient, rpcServe, type Bus } from '../../../platform/rpc/contract.ts'
import { agentContracts, neutronContract } from '../rpc/host-state.ts'
import { agentParts, agentTypes, binaries, type AgentPart } from '../rpc/parts.ts'
import { LinuxBridges } from './bridges.ts'
import type { AgentContext, Round } from './context.ts'
import { convergeDhcp } from './dhcp.ts'
import { convergeRouters, floatingIpsOf } from './l3.ts'
import { MetadataProxy, type MetadataSource } from './metadata.ts'
import { Part } from './part.ts'
import { PortReports } from './reports.ts'
import { splitLedger } from './split.ts'
import { troublesOf } from './troubles.ts'
import { portsOf, wiredPorts } from './wiring.ts'

const heartbeatMs = 10_000
const firstRetryMs = 1000
const longestRetryMs = 30_000

export interface NetworkAgentOptions extends Omit<AgentContext, 'owned'> {
  host: string
  bus: Bus
  /** Those that run in this process. */
  parts: readonly AgentPart[]
  /** For the metadata agent. */
  metadata?: MetadataSource
  /** How often everything is looked at again, whether or not something is known to have changed. */
  fullLookMs?: number
  /** Told after each round what went wrong with an agent: null for nothing. */
  onHealth?: (binary: string, error: string | null) => void
}

const keptNotice = (doubt: string | null, kept: string, host: string) =>
  `${doubt}: what it does not name is kept (${kept}); nephos host accept ${host} lets it go`

export interface NetworkAgent {
  start(): Promise<void>
  stop(): Promise<void>
  /** Something may have changed: pull and converge soon. */
  look(): void
}

export function createNetworkAgent(options: NetworkAgentOptions): NetworkAgent {
  return new Agents(options)
}

class Agents implements NetworkAgent {
  readonly #options: NetworkAgentOptions
  readonly #server
  readonly #monitor = new LinkMonitor()
  readonly #reports = new PortReports()
  #parts: readonly Part[] = []
  #stops: (() => void)[] = []
  #retry: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined
  #isDirty = false
  #retryMs = firstRetryMs
  #isFull = true
  #isStopped = false
  /** That of the host which the parts have. */
  #revision: number | null = null

  constructor(options: NetworkAgentOptions) {
    this.#options = options
    this.#server = rpcClient(options.bus, neutronContract)
  }

  async start(): Promise<void> {
    const { stateDir, log, fullLookMs = 30_000 } = this.#options
    await splitLedger(stateDir, log)
    this.#parts = agentParts.filter((name) => this.#options.parts.includes(name)).map((name) => this.#open(name))
    for (const part of this.#parts) {
      this.#serve(part)
      await part.does.start?.()
    }
    await this.#heartbeat()
    await this.#watchLinks()
    const timers = [
      setInterval(() => void this.#heartbeat(), heartbeatMs),
      setInterval(() => this.#lookAtAll(), fullLookMs),
    ]
    this.#stops.push(() => timers.forEach(clearInterval))
    this.look()
  }

  /** The data plane stays as it is; guests go on talking. */
  async stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#retry)
    for (const stop of this.#stops) stop()
    await this.#running
    for (const part of this.#parts) part.does.stop?.()
  }

  look(): void {
    // The end of the start looks.
    if (this.#parts.length === 0) return
    this.#isDirty = true
    this.#running ??= this.#work().finally(() => (this.#running = undefined))
  }

  #open(name: AgentPart): Part {
    const { metadata, log } = this.#options
    return new Part(name, this.#options, (context, memory) => {
      if (name === 'l2')
        return new LinuxBridges(context, memory, {
          look: () => this.look(),
          whenIdle: async () => {
            while (this.#running) await this.#running
          },
        })
      if (name === 'dhcp') return { converge: (round) => convergeDhcp(context, round, memory) }
      if (name === 'l3') return { converge: (round) => convergeRouters(context, round, memory) }
      if (!metadata) throw new Error(`${binaries.metadata} is not told where metadata are`)
      return new MetadataProxy(metadata, log)
    })
  }

  #serve(part: Part): void {
    const { bus, host } = this.#options
    const unserve = rpcServe(bus, agentContracts[part.name], host, {
      // One listens for all: they are told together, and look together.
      look: async () => void (part === this.#parts[0] && this.look()),
      followServer: async () => {
        await part.followed.forget()
        this.#lookAtAll()
        return {}
      },
    })
    this.#stops.push(unserve)
  }

  async #watchLinks(): Promise<void> {
    this.#monitor.on('link', ({ name, isRemoved }) => {
      // Somebody took away what shall be there, and nobody knows what went with it.
      if (isRemoved && this.#parts.some((part) => part.misses(name))) return this.#lookAtAll()
      if (this.#parts.some((part) => part.waitsFor(name))) this.look()
    })
    this.#monitor.on('restart', () => this.look())
    this.#monitor.on('error', (error) => this.#options.log.warn({ err: error.message }, 'cannot watch interfaces'))
    await this.#monitor.start()
    this.#stops.push(() => this.#monitor.close())
  }

  #lookAtAll(): void {
    this.#isFull = true
    this.look()
  }

  async #work(): Promise<void> {
    while (this.#isDirty && !this.#isStopped) {
      this.#isDirty = false
      for (const { does, state } of this.#parts) if (state) await does.hurry?.(state)
      try {
        await this.#pull()
        await this.#converge()
      } catch (error) {
        this.#options.log.warn({ err: String(error) }, 'neutron-server was not heard or the host not read')
        this.#retryLater()
      }
    }
  }

  #retryLater(): void {
    clearTimeout(this.#retry)
    if (!this.#isStopped) this.#retry = setTimeout(() => this.look(), this.#retryMs)
    this.#retryMs = Math.min(this.#retryMs * 2, longestRetryMs)
  }

  /** One for all parts of the process; each takes its own of it. */
  async #pull(): Promise<void> {
    const { state, epoch, doubted } = await this.#server.pullHost(null, {
      host: this.#options.host,
      revision: this.#isFull ? null : this.#revision,
      parts: this.#parts.map(({ name, followed }) => ({ name, known: followed.position })),
    })
    if (!state) return
    const doubts = new Map(doubted.map(({ name, reason }) => [name, reason]))
    await Promise.all(this.#parts.map((part) => part.take(state, { epoch, doubt: doubts.get(part.name) ?? null })))
    this.#revision = state.revision
  }

  async #converge(): Promise<void> {
    if (this.#revision === null) return
    if (this.#isFull) {
      this.#isFull = false
      for (const part of this.#parts) part.forget()
      this.#reports.repeatAll()
    }
    const rounds = new Map<AgentPart, Round>()
    for (const part of this.#parts) rounds.set(part.name, await part.converge())
    for (const part of this.#parts.toReversed()) await part.removeUnwanted(rounds.get(part.name)!)
    for (const part of this.#parts) this.#noteFailures(part, rounds.get(part.name)!)
    await this.#report(rounds)
    if ([...rounds.values()].some(({ failures }) => failures.length > 0)) this.#retryLater()
    else this.#retryMs = firstRetryMs
  }

  async #report(rounds: ReadonlyMap<AgentPart, Round>): Promise<void> {
    const links = new Map((await listLinks()).map((link) => [link.name, link]))
    const wired = new Set(
      this.#parts.flatMap((part) => wiredPorts(part.name, part.context, rounds.get(part.name)!, links)),
    )
    const routing = rounds.get('l3')
    const floating = routing ? floatingIpsOf(routing, wired) : { all: [], carried: [] }
    const report = this.#reports.differences(
      [...[...rounds].flatMap(([part, { state }]) => portsOf(part, state)), ...floating.all],
      new Set([...wired, ...floating.carried]),
      troublesOf(rounds, wired, new Set(links.keys())),
    )
    if (!report) return
    await this.#server.reportPorts(null, { host: this.#options.host, ...report })
    this.#reports.delivered(report)
  }

  #noteFailures(part: Part, { failures }: Round): void {
    const { host, log, onHealth } = this.#options
    const last = failures.at(-1)
    const { kept } = part.followed
    part.error = last ? `${last.what}: ${last.message}` : kept === null ? null : keptNotice(part.doubt, kept, host)
    for (const failure of failures) log.error({ part: part.name, ...failure }, 'this could not be made as it shall be')
    onHealth?.(binaries[part.name], part.error)
  }

  async #heartbeat(): Promise<void> {
    const { host, localIp, bridgeMappings, log } = this.#options
    const agents = this.#parts.map(({ name, does, error }) => ({
      agentType: agentTypes[name],
      binary: binaries[name],
      configurations: does.configurations?.() ?? {},
      error,
    }))
    try {
      const names = [...bridgeMappings.keys()]
      await this.#server.reportAgents(null, { host, tunnelIp: localIp, bridgeMappings: names, agents })
    } catch (error) {
      log.warn({ err: String(error) }, 'neutron-server did not hear the heartbeat')
    }
  }
}
