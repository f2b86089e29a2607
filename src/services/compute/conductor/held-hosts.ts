import type { RegisteredAgent } from '../model/host-identity.ts'

export interface HeldHost {
  agent: RegisteredAgent
  /** The name that it is registered under, where that is another one. */
  was: string | null
  obstacle: string
}

/** Agents that must not work until somebody decides. They ask again every few seconds, so that this needs no database. */
export class HeldHosts {
  readonly #hosts = new Map<string, HeldHost>()

  hold(held: HeldHost): void {
    this.#hosts.set(held.agent.host, held)
  }

  release(host: string): void {
    this.#hosts.delete(host)
  }

  find(host: string): HeldHost | undefined {
    return this.#hosts.get(host)
  }

  list(): HeldHost[] {
    return [...this.#hosts.values()]
  }
}
