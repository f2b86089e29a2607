/** What neutron-server was told of the ports, so that it is told only what changed. */
import type { Round } from './context.ts'

export interface PortReport {
  up: string[]
  down: string[]
  errors: { portId: string; message: string }[]
}

export class PortReports {
  #up = new Set<string>()
  #errors = new Map<string, string>()
  /** At first, too: what was told before this process began is not known, nor what went since. */
  #isRepeating = true

  /** The server may have forgotten or mistaken something: tell all again. */
  repeatAll(): void {
    this.#isRepeating = true
  }

  /** `ports` are all that this host is to wire. Undefined when there is nothing to tell. */
  differences({ failures }: Round, ports: Iterable<string>, wired: ReadonlySet<string>): PortReport | undefined {
    const known = this.#isRepeating ? new Set<string>() : this.#up
    const suspects = this.#isRepeating ? new Set([...this.#up, ...ports]) : this.#up
    const report = {
      up: [...wired].filter((id) => !known.has(id)),
      down: [...suspects].filter((id) => !wired.has(id)),
      errors: failures.flatMap(({ portId, message }) => (portId === undefined ? [] : [{ portId, message }])),
    }
    // One that fails again and again is told once.
    const news = report.errors.filter(({ portId, message }) => this.#errors.get(portId) !== message)
    this.#errors = new Map(report.errors.map(({ portId, message }) => [portId, message]))
    report.errors = news
    return report.up.length + report.down.length + news.length > 0 ? report : undefined
  }

  delivered({ up, down }: PortReport): void {
    for (const id of up) this.#up.add(id)
    for (const id of down) this.#up.delete(id)
    this.#isRepeating = false
  }
}
