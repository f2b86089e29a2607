/** Typed calls to a compute service, for other services: bodies are what its routes take. */
import type { Static } from 'typebox'
import type { ServiceClient } from '../../platform/http/client.ts'
import type { body } from './api/external-events/schema.ts'

export type ExternalEvent = Static<(typeof body)['widest']>['events'][number]

export class ComputeClient {
  readonly #client: ServiceClient

  constructor(client: ServiceClient) {
    this.#client = client
  }

  /** Tells of what happened to servers' ports; servers that nova does not know, or not where, are passed over. */
  async tell(events: readonly ExternalEvent[]): Promise<void> {
    const path = '/v2.1/os-server-external-events'
    await this.#client.request({ method: 'POST', path, json: { events }, accept: [404, 422] })
  }
}
