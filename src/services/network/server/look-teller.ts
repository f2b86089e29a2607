import { rpcClient, rpcFanout, type Bus } from '../../../platform/rpc/contract.ts'
import { agentContracts } from '../rpc/host-state.ts'
import type { Hosts } from './revision.ts'

/** Many changes within this time are one message. */
const soonMs = 2

/**
 * Tells hosts to look. What that sets off may take a fifth of the time at most, so that a burst of changes is not slowed
 * down by agents that look at each of them.
 */
export class LookTeller {
  readonly #bus: Bus
  readonly #cost: () => number
  #waiting: Set<string> | 'all' = new Set()
  #isWaiting = false
  #last = -Infinity

  /** `cost` says how many milliseconds the last pull took. */
  constructor(bus: Bus, cost: () => number) {
    this.#bus = bus
    this.#cost = cost
  }

  tell(hosts: Hosts): void {
    if (hosts === 'all') this.#waiting = 'all'
    else if (this.#waiting !== 'all') for (const host of hosts) this.#waiting.add(host)
    if (hosts !== 'all' && hosts.size === 0) return
    const wait = Math.max(soonMs, this.#last + 4 * this.#cost() - performance.now())
    if (this.#isWaiting) return
    this.#isWaiting = true
    setTimeout(() => this.#send(), wait)
  }

  #send() {
    const hosts = this.#waiting
    this.#waiting = new Set()
    this.#isWaiting = false
    this.#last = performance.now()
    for (const contract of Object.values(agentContracts)) {
      if (hosts === 'all') {
        void rpcFanout(this.#bus, contract).look({})
        continue
      }
      const agents = rpcClient(this.#bus, contract)
      for (const host of hosts) void agents.look(host, {})
    }
  }
}
