/** Tells nova of its ports, several in one request, and again until nova takes it. */
import type { ServiceClient } from '../../../platform/http/client.ts'
import type { Logger } from '../../../platform/log/log.ts'
import { ComputeClient, type ExternalEvent } from '../../compute/client.ts'
import type { PortEvent } from '../deps.ts'

const tries = 5

export class ComputeNotifier {
  readonly #compute: ComputeClient
  readonly #log: Logger
  #waiting: PortEvent[] = []
  #isSending = false

  constructor(client: ServiceClient, log: Logger) {
    this.#compute = new ComputeClient(client)
    this.#log = log
  }

  notify(events: readonly PortEvent[]) {
    if (events.length === 0) return
    this.#waiting.push(...events)
    if (this.#isSending) return
    this.#isSending = true
    void this.#send().finally(() => (this.#isSending = false))
  }

  async #send() {
    for (let attempt = 1; this.#waiting.length > 0;) {
      const batch = this.#waiting
      this.#waiting = []
      const events = batch.map((event): ExternalEvent => ({
        name: event.name,
        server_uuid: event.server,
        tag: event.port,
        status: event.isFailed ? 'failed' : 'completed',
      }))
      try {
        await this.#compute.tell(events)
        attempt = 1
      } catch (error) {
        this.#log.warn({ err: error, attempt }, 'nova does not take port events')
        // A build that waits asks neutron itself after a while, so giving up loses time, not servers.
        if (attempt++ >= tries) return
        this.#waiting.unshift(...batch)
        await new Promise((resolve) => setTimeout(resolve, 200 * attempt).unref())
      }
    }
  }
}
