/** One network agent of a host: what it has made, what it follows, and how it makes the host so. */
import type { HostState } from '../rpc/host-state.ts'
import { sliceOf, type AgentPart } from '../rpc/parts.ts'
import { newRound, type AgentContext, type Round } from './context.ts'
import { removeOwned } from './destroy.ts'
import { FollowedState } from './followed.ts'
import { Memory } from './memory.ts'
import { folderOf, Owned } from './owned.ts'

/** What tells the parts apart. */
export interface Convergence {
  start?(): Promise<void>
  stop?(): void
  /** What waits for no word of neutron-server, by what is known. */
  hurry?(state: HostState): Promise<void>
  converge(round: Round): Promise<void>
  /** Whether a link that came or changed is a reason to look. */
  waitsFor?(link: string, state: HostState): boolean
  /** What the agent says of itself in the API. */
  configurations?(): Record<string, unknown>
}

export class Part {
  readonly name: AgentPart
  readonly context: AgentContext
  readonly followed: FollowedState
  readonly does: Convergence
  readonly #memory = new Memory()
  state: HostState | undefined
  /** Why it keeps what the server does not name. */
  doubt: string | null = null
  error: string | null = null
  /** What the last round made or found, and what it needs of others. */
  #links: Pick<Round, 'needed' | 'failures'> & { made: ReadonlySet<string> } = {
    made: new Set(),
    needed: new Set(),
    failures: [],
  }

  /** Opens its ledger: no other process may have it open. */
  constructor(
    name: AgentPart,
    common: Omit<AgentContext, 'owned'> & { host: string },
    convergenceOf: (context: AgentContext, memory: Memory) => Convergence,
  ) {
    const folder = folderOf(common.stateDir, name)
    this.name = name
    this.context = { ...common, owned: new Owned(folder) }
    this.followed = new FollowedState(folder, common.host, common.log)
    this.does = convergenceOf(this.context, this.#memory)
  }

  /** Takes its share of what the server says. */
  async take(state: HostState, { epoch, doubt }: { epoch: string; doubt: string | null }): Promise<void> {
    this.doubt = doubt
    this.state = await this.followed.take(sliceOf(state, [this.name]), { epoch, isSuccessor: doubt === null })
  }

  /** All is looked at and made anew. */
  forget(): void {
    this.#memory.forgetAll()
  }

  async converge(): Promise<Round> {
    const round = newRound(this.state!)
    // Before the first thing is removed: what is not wanted any more goes by our own hand.
    const { owned, ownBridges } = this.context
    const isKept = (link: string) => owned.has('links', link) || ownBridges?.has(link) === true
    this.#links = { ...this.#links, made: new Set([...this.#links.made].filter(isKept)) }
    await this.does.converge(round)
    this.#links = { made: round.wanted.links, needed: round.needed, failures: round.failures }
    return round
  }

  /** Call when all parts of the process have converged: what is plugged in goes before what it is plugged into. */
  async removeUnwanted(round: Round): Promise<void> {
    await removeOwned(this.context.owned, round.wanted, (what, error) =>
      round.failures.push({ what, message: String(error) }),
    )
  }

  /** Whether somebody took away what this part has made or needs. */
  misses(link: string): boolean {
    return this.#links.made.has(link) || this.#links.needed.has(link)
  }

  /** Whether this part has something to do when a link has come. */
  waitsFor(link: string): boolean {
    if (this.#links.failures.length > 0 && this.#links.needed.has(link)) return true
    return this.state !== undefined && this.does.waitsFor?.(link, this.state) === true
  }
}
