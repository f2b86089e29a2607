/**
 * The network agents of one host in one: they pull what the host shall look like and make it so. Whatever wakes them -
 * a cast, a new tap, the clock - the same convergence runs, one at a time.
 */
import { LinkMonitor } from '../../../host/link-monitor.ts'
import { listLinks } from '../../../host/links.ts'
import { rpcClient, rpcServe, type Bus } from '../../../platform/rpc/contract.ts'
import { networkAgentContract, neutronContract, type HostState } from '../rpc/host-state.ts'
import { newRound, type AgentContext, type AgentPart, type Round } from './context.ts'
import { removeOwned } from './destroy.ts'
import { convergeDhcp } from './dhcp.ts'
import { FilterGuard } from './filter-guard.ts'
import { tablesOf } from './filters.ts'
import { convergeFirewall, forgetFirewall } from './firewall.ts'
import { FollowedState } from './followed.ts'
import { convergeBridges, convergeTaps, hasVlans, pluggedPorts, unplugStrangers, wiredPorts } from './l2.ts'
import { convergeRouters, floatingIpsOf } from './l3.ts'
import { Memory } from './memory.ts'
import { MetadataProxy } from './metadata.ts'
import { Owned } from './owned.ts'
import { PortReports } from './reports.ts'
import { troublesOf } from './troubles.ts'

const heartbeatMs = 10_000
const firstRetryMs = 1000
const longestRetryMs = 30_000

export interface NetworkAgentOptions extends Omit<AgentContext, 'owned'> {
  host: string
  bus: Bus
  /** How often everything is looked at again, whether or not something is known to have changed. */
  fullLookMs?: number
  /** Told after each round what went wrong with the part of an agent: null for nothing. */
  onHealth?: (binary: string, error: string | null) => void
}

const binaries: Readonly<Record<AgentPart, string>> = {
  l2: 'neutron-linuxbridge-agent',
  dhcp: 'neutron-dhcp-agent',
  l3: 'neutron-l3-agent',
  metadata: 'neutron-metadata-agent',
}

const keptNotice = (kept: string, host: string) =>
  `the network database is another one than this host followed, or an older copy of it: what it does not name is kept (${kept}); nephos host accept ${host} lets it go`

export interface NetworkAgent {
  start(): Promise<void>
  stop(): Promise<void>
  /** Something may have changed: pull and converge soon. */
  look(): void
}

export function createNetworkAgent(options: NetworkAgentOptions): NetworkAgent {
  return new Agent(options)
}

class Agent implements NetworkAgent {
  readonly #context: AgentContext
  readonly #host: string
  readonly #bus: Bus
  readonly #fullLookMs: number
  readonly #server
  readonly #monitor = new LinkMonitor()
  readonly #memory = new Memory()
  readonly #reports = new PortReports()
  readonly #metadata: MetadataProxy
  readonly #guard: FilterGuard
  #unserve: () => void = () => undefined
  #timers: NodeJS.Timeout[] = []
  #retry: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined
  readonly #plugged = new Set<string>()
  /** Devices that the last round made or found. */
  #wantedLinks: ReadonlySet<string> = new Set()
  #isDirty = false
  /** The filters are gone, and it is known what they were. */
  #isOpen = false
  #retryMs = firstRetryMs
  #isFull = true
  #isStopped = false
  #state: HostState | undefined
  readonly #followed: FollowedState
  #networkTypes: readonly string[] = ['flat', 'local', 'vxlan']
  #errors = new Map<AgentPart, string>()
  readonly #onHealth: NetworkAgentOptions['onHealth']

  constructor({ host, bus, fullLookMs = 30_000, onHealth, ...context }: NetworkAgentOptions) {
    this.#onHealth = onHealth
    this.#fullLookMs = fullLookMs
    this.#host = host
    this.#bus = bus
    this.#context = { ...context, owned: new Owned(context.stateDir) }
    this.#followed = new FollowedState(context.stateDir, context.log)
    this.#server = rpcClient(bus, neutronContract)
    this.#metadata = new MetadataProxy(this.#context)
    this.#guard = new FilterGuard({
      tables: tablesOf(context.cloudName),
      log: context.log,
      whenIdle: async () => {
        while (this.#running) await this.#running
      },
      onLoss: () => {
        forgetFirewall(this.#memory)
        this.#isOpen = true
        this.look()
      },
    })
  }

  async start(): Promise<void> {
    this.#unserve = rpcServe(this.#bus, networkAgentContract, this.#host, {
      look: async () => this.look(),
      followServer: async () => {
        await this.#followed.forget()
        this.#lookAtAll()
        return {}
      },
    })
    if (await hasVlans()) this.#networkTypes = [...this.#networkTypes, 'vlan']
    await this.#heartbeat()
    this.#monitor.on('link', ({ name, isRemoved }) => {
      // Somebody took away what shall be there, and nobody knows what went with it.
      if (isRemoved && this.#wantedLinks.has(name)) return this.#lookAtAll()
      // A tap that nobody waits for is none of our business; most events are the echo of our own work.
      if (this.#state?.ports.some(({ tap }) => tap === name)) this.look()
    })
    this.#monitor.on('restart', () => this.look())
    this.#monitor.on('error', (error) => this.#context.log.warn({ err: error.message }, 'cannot watch interfaces'))
    await this.#monitor.start()
    await this.#guard.start()
    this.#timers = [
      setInterval(() => void this.#heartbeat(), heartbeatMs),
      setInterval(() => this.#lookAtAll(), this.#fullLookMs),
    ]
    this.look()
  }

  /** The data plane stays as it is; guests go on talking. */
  async stop(): Promise<void> {
    this.#isStopped = true
    for (const timer of this.#timers) clearInterval(timer)
    clearTimeout(this.#retry)
    this.#monitor.close()
    this.#guard.close()
    this.#unserve()
    await this.#running
    this.#metadata.stop()
  }

  look(): void {
    this.#isDirty = true
    this.#running ??= this.#work().finally(() => (this.#running = undefined))
  }

  #lookAtAll(): void {
    this.#isFull = true
    this.look()
  }

  async #work(): Promise<void> {
    while (this.#isDirty && !this.#isStopped) {
      this.#isDirty = false
      await this.#closeFilters()
      try {
        await this.#converge()
      } catch (error) {
        this.#context.log.warn({ err: String(error) }, 'neutron-server was not heard or the host not read')
        this.#retryLater()
      }
    }
  }

  /** By what is known: neutron-server may be away just now. What goes wrong here does so again in the round that follows. */
  async #closeFilters(): Promise<void> {
    if (!this.#isOpen || !this.#state) return
    this.#isOpen = false
    await convergeFirewall(this.#context, newRound(this.#state), this.#memory, this.#guard)
  }

  #retryLater(): void {
    clearTimeout(this.#retry)
    if (!this.#isStopped) this.#retry = setTimeout(() => this.look(), this.#retryMs)
    this.#retryMs = Math.min(this.#retryMs * 2, longestRetryMs)
  }

  async #converge(): Promise<void> {
    const isFull = this.#isFull
    const revision = isFull ? null : (this.#state?.revision ?? null)
    const known = this.#followed.position
    const answer = await this.#server.pullHost(null, { host: this.#host, revision, known })
    if (answer.state) this.#state = await this.#followed.take(answer.state, answer)
    if (!this.#state) return
    if (isFull) {
      this.#isFull = false
      this.#memory.forgetAll()
      this.#reports.repeatAll()
    }
    const round = newRound(this.#state)
    // Before the first thing is removed: what is not wanted any more goes by our own hand.
    const { owned, ownBridges } = this.#context
    const isKept = (name: string) => owned.has('links', name) || ownBridges?.has(name)
    this.#wantedLinks = new Set([...this.#wantedLinks].filter(isKept))
    await this.#convergeAll(round)
    this.#wantedLinks = round.wanted.links
    this.#noteFailures(round)
    const ports = pluggedPorts(round.state).map(({ id }) => id)
    const wired = await wiredPorts(this.#context, round)
    const taps = round.failures.length === 0 ? [] : (await listLinks()).map(({ name }) => name)
    const floating = floatingIpsOf(round, wired)
    const report = this.#reports.differences(
      [...ports, ...floating.all],
      new Set([...wired, ...floating.carried]),
      troublesOf(round, wired, new Set(taps)),
    )
    if (report) {
      await this.#server.reportPorts(null, { host: this.#host, ...report })
      this.#reports.delivered(report)
    }
    if (round.failures.length > 0) this.#retryLater()
    else this.#retryMs = firstRetryMs
  }

  async #convergeAll(round: Round): Promise<void> {
    await convergeBridges(this.#context, round)
    await unplugStrangers(this.#context, round, this.#plugged)
    const isFiltered = await convergeFirewall(this.#context, round, this.#memory, this.#guard)
    // Without filters no guest is plugged.
    if (isFiltered)
      await convergeTaps(this.#context, round, new Map((await listLinks()).map((link) => [link.name, link])))
    await convergeDhcp(this.#context, round, this.#memory)
    await convergeRouters(this.#context, round, this.#memory)
    await this.#metadata.converge(round)
    await removeOwned(this.#context.owned, round.wanted, (what, error) =>
      round.failures.push({ part: 'l2', what, message: String(error) }),
    )
  }

  #noteFailures({ failures }: Round): void {
    this.#errors = new Map(failures.map(({ part, what, message }) => [part, `${what}: ${message}`]))
    for (const failure of failures) this.#context.log.error(failure, 'this could not be made as it shall be')
    const { kept } = this.#followed
    if (kept !== null && !this.#errors.has('l2')) this.#errors.set('l2', keptNotice(kept, this.#host))
    for (const part of Object.keys(binaries) as AgentPart[])
      this.#onHealth?.(binaries[part], this.#errors.get(part) ?? null)
  }

  async #heartbeat(): Promise<void> {
    const { localIp, bridgeMappings, log } = this.#context
    const mappings = Object.fromEntries(bridgeMappings)
    const l2 = {
      tunneling_ip: localIp,
      tunnel_types: ['vxlan'],
      bridge_mappings: mappings,
      l2_population: true,
      network_types: this.#networkTypes,
    }
    const agent = (agentType: string, part: AgentPart, configurations: Record<string, unknown> = {}) => ({
      agentType,
      binary: binaries[part],
      configurations,
      error: this.#errors.get(part) ?? null,
    })
    const agents = [
      agent('Linux bridge agent', 'l2', l2),
      agent('DHCP agent', 'dhcp'),
      agent('L3 agent', 'l3'),
      agent('Metadata agent', 'metadata'),
    ]
    try {
      const names = [...bridgeMappings.keys()]
      await this.#server.reportAgents(null, { host: this.#host, tunnelIp: localIp, bridgeMappings: names, agents })
    } catch (error) {
      log.warn({ err: String(error) }, 'neutron-server did not hear the heartbeat')
    }
  }
}
