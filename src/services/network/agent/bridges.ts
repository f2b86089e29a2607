/** The linuxbridge agent: bridges, packet filters, and the taps of guests behind them. */
import { listLinks } from '../../../host/links.ts'
import type { HostState } from '../rpc/host-state.ts'
import { newRound, type AgentContext, type Round } from './context.ts'
import { FilterGuard } from './filter-guard.ts'
import { tablesOf } from './filters.ts'
import { convergeFirewall, forgetFirewall } from './firewall.ts'
import { convergeBridges, convergeTaps, hasVlans, unplugStrayTaps } from './l2.ts'
import type { Memory } from './memory.ts'
import type { Convergence } from './part.ts'

/** What it asks of the process that it runs in. */
export interface Process {
  look(): void
  /** Resolves when no convergence runs. */
  whenIdle(): Promise<void>
}

export class LinuxBridges implements Convergence {
  readonly #context: AgentContext
  readonly #memory: Memory
  readonly #guard: FilterGuard
  readonly #plugged = new Set<string>()
  /** The filters are gone, and it is known what they were. */
  #isOpen = false
  #networkTypes: readonly string[] = ['flat', 'local', 'vxlan']

  constructor(context: AgentContext, memory: Memory, process: Process) {
    this.#context = context
    this.#memory = memory
    this.#guard = new FilterGuard({
      tables: tablesOf(context.cloudName),
      log: context.log,
      whenIdle: () => process.whenIdle(),
      onLoss: () => {
        forgetFirewall(memory)
        this.#isOpen = true
        process.look()
      },
    })
  }

  async start(): Promise<void> {
    if (await hasVlans()) this.#networkTypes = [...this.#networkTypes, 'vlan']
    await this.#guard.start()
  }

  stop(): void {
    this.#guard.close()
  }

  /** Filters that are gone: neutron-server may be away just now. What goes wrong here does so again in the round that follows. */
  async hurry(state: HostState): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    await convergeFirewall(this.#context, newRound(state), this.#memory, this.#guard)
  }

  async converge(round: Round): Promise<void> {
    await convergeBridges(this.#context, round)
    await unplugStrayTaps(this.#context, round, this.#plugged)
    const isFiltered = await convergeFirewall(this.#context, round, this.#memory, this.#guard)
    // Without filters no guest is plugged.
    if (!isFiltered) return
    await convergeTaps(this.#context, round, new Map((await listLinks()).map((link) => [link.name, link])))
  }

  /** A tap that nobody waits for is none of our business; most events are the echo of our own work. */
  waitsFor(link: string, state: HostState): boolean {
    return state.ports.some(({ tap }) => tap === link)
  }

  configurations(): Record<string, unknown> {
    return {
      tunneling_ip: this.#context.localIp,
      tunnel_types: ['vxlan'],
      bridge_mappings: Object.fromEntries(this.#context.bridgeMappings),
      l2_population: true,
      network_types: this.#networkTypes,
    }
  }
}
