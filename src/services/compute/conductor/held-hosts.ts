import type { Introduction } from '../model/host-identity.ts'

export interface HeldHost extends Introduction {
  obstacle: string
}

/** Agents that must not work until somebody decides. They ask again every few seconds, so that this needs no database. */
export class HeldHosts {
  readonly #hosts = new Map<string, HeldHost>()

  /** An agent introduced itself, and this stands in its way. */
  note({ host, id, cloudId, wasHost, guests }: Introduction, obstacle: string | null): void {
    if (obstacle !== null) this.#hosts.set(host, { host, id, cloudId, wasHost, guests, obstacle })
    else this.#hosts.delete(host)
  }

  find(host: string): HeldHost | undefined {
    return this.#hosts.get(host)
  }

  list(): HeldHost[] {
    return [...this.#hosts.values()]
  }
}
