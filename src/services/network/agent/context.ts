/** What a part of a host's network agents works with. */
import type { Logger } from '../../../platform/log/log.ts'
import type { HostNetwork, HostState } from '../rpc/host-state.ts'
import { bridgeName } from './names.ts'
import type { Owned, OwnedKind } from './owned.ts'

export interface AgentContext {
  /** Of all parts; each has a folder in it. */
  stateDir: string
  cloudName: string
  log: Logger
  /** Physical network to the bridge it is reached by. */
  bridgeMappings: ReadonlyMap<string, string>
  /** Those of them that are the cloud's own, and how each is made again when somebody took it away. */
  ownBridges?: ReadonlyMap<string, () => Promise<void>>
  localIp: string
  /** Of this part. */
  owned: Owned
}

/** What one convergence of a part found out: which things it wants to exist, what it needs of others, what went wrong. */
export interface Round {
  state: HostState
  wanted: Record<OwnedKind, Set<string>>
  /** Links that another part makes. */
  needed: Set<string>
  failures: Failure[]
}
export interface Failure {
  what: string
  message: string
  portId?: string
}

export function newRound(state: HostState): Round {
  const wanted = {
    links: new Set<string>(),
    namespaces: new Set<string>(),
    dnsmasq: new Set<string>(),
    tables: new Set<string>(),
  }
  return { state, wanted, needed: new Set(), failures: [] }
}

/** Does `work`; an error becomes a failure of this one thing, and the others go on. */
export async function attempt(
  round: Round,
  where: Omit<Failure, 'message'>,
  work: () => Promise<void>,
): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    round.failures.push({ ...where, message: error instanceof Error ? error.message : String(error) })
    return false
  }
}

export function bridgeOf({ state }: Round, context: AgentContext, networkId: string): string {
  return bridgeName(networkOf(state, networkId), context.bridgeMappings)
}

function networkOf(state: HostState, id: string): HostNetwork {
  const network = state.networks.find((each) => each.id === id)
  if (!network) throw new Error(`network ${id} is not described`)
  return network
}
