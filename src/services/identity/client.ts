/** Typed calls to an identity service, for other services: bodies are what its routes declare. */
import type { Shown } from '../../platform/http/answers.ts'
import { withQuery, type QueryOf, type ServiceClient } from '../../platform/http/client.ts'
import type { endpointAnswer } from './api/catalog/endpoints.ts'
import type { serviceAnswer } from './api/catalog/services.ts'
import type { limitAnswer, registeredAnswer } from './api/limits/view.ts'

export type Service = Shown<typeof serviceAnswer>
export type Endpoint = Shown<typeof endpointAnswer>
export type Limit = Shown<typeof limitAnswer>
export type RegisteredLimit = Shown<typeof registeredAnswer>

export class IdentityClient {
  readonly #client: ServiceClient

  constructor(client: ServiceClient) {
    this.#client = client
  }

  /** Whether there is such a project; who may not look is believed. */
  async hasProject(id: string): Promise<boolean> {
    const path = `/v3/projects/${encodeURIComponent(id)}`
    return (await this.#client.request({ method: 'GET', path, accept: [403, 404] })).status !== 404
  }

  async listServices(query: QueryOf): Promise<readonly Service[]> {
    return (await this.#client.ask<{ services: Service[] }>('GET', withQuery('/v3/services', query))).services
  }

  async listEndpoints(): Promise<readonly Endpoint[]> {
    return (await this.#client.ask<{ endpoints: Endpoint[] }>('GET', '/v3/endpoints')).endpoints
  }

  async listLimits(query: QueryOf): Promise<readonly Limit[]> {
    return (await this.#client.ask<{ limits: Limit[] }>('GET', withQuery('/v3/limits', query))).limits
  }

  async listRegisteredLimits(query: QueryOf): Promise<readonly RegisteredLimit[]> {
    const path = withQuery('/v3/registered_limits', query)
    return (await this.#client.ask<{ registered_limits: RegisteredLimit[] }>('GET', path)).registered_limits
  }
}
