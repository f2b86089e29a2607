/** What neutron-server was told of the ports, so that it is told only what changed. */

export interface PortReport {
  up: string[]
  down: string[]
  errors: { portId: string; message: string }[]
}

/** What passes by itself, like a tap that goes while it is plugged, is not told. */
const patienceMs = 5000

interface Trouble {
  since: number
  told: string | undefined
}

export class PortReports {
  #up = new Set<string>()
  #troubles = new Map<string, Trouble>()
  /** At first, too: what was told before this process began is not known, nor what went since. */
  #isRepeating = true

  /** The server may have forgotten or mistaken something: tell all again. */
  repeatAll(): void {
    this.#isRepeating = true
  }

  /**
   * `ports` are all that this host is to wire, `troubles` what stands in the way of some. A port that is wired and has
   * trouble all the same (its network has no DHCP) is not told to be up unless it was. Undefined when there is nothing
   * to tell.
   */
  differences(
    ports: Iterable<string>,
    wired: ReadonlySet<string>,
    troubles: ReadonlyMap<string, string>,
    now = Date.now(),
  ): PortReport | undefined {
    const known = this.#isRepeating ? new Set<string>() : this.#up
    const suspects = this.#isRepeating ? new Set([...this.#up, ...ports]) : this.#up
    const isHeld = (id: string) => troubles.has(id) && !this.#up.has(id)
    this.#troubles = new Map(
      [...troubles.keys()].map((id) => [id, this.#troubles.get(id) ?? { since: now, told: undefined }]),
    )
    // One that fails again and again is told once.
    const isNews = ([id, message]: [string, string]) => {
      const { since, told } = this.#troubles.get(id)!
      return now - since >= patienceMs && told !== message
    }
    const report = {
      up: [...wired].filter((id) => !known.has(id) && !isHeld(id)),
      down: [...suspects].filter((id) => !wired.has(id)),
      errors: [...troubles].filter(isNews).map(([portId, message]) => ({ portId, message })),
    }
    return report.up.length + report.down.length + report.errors.length > 0 ? report : undefined
  }

  delivered({ up, down, errors }: PortReport): void {
    for (const id of up) this.#up.add(id)
    for (const id of down) this.#up.delete(id)
    for (const { portId, message } of errors) this.#troubles.get(portId)!.told = message
    this.#isRepeating = false
  }
}
