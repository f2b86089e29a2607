/** Typed calls to a placement service at microversion 1.39, for other services: bodies are what its routes declare. */
import type { Static } from 'typebox'
import type { Shown } from '../../platform/http/answers.ts'
import { withQuery, type QueryOf, type ServiceClient } from '../../platform/http/client.ts'
import type { newestAnswer } from './api/allocation-candidates/schema.ts'
import type { ShownConsumer, ShownConsumers, widest } from './api/allocations/schema.ts'
import type { replaceBody as inventoriesBody } from './api/inventories/schema.ts'
import type { listAnswer, ShownProvider } from './api/resource-providers/schema.ts'
import type { ofProviderAnswer as traitsAnswer, replaceBody as traitsBody } from './api/traits/schema.ts'

export type Candidates = Shown<typeof newestAnswer>
type Claim = Static<typeof widest>
type Inventories = Static<typeof inventoriesBody>
type Traits = Static<typeof traitsBody>

const providers = '/resource_providers'
const provider = (id: string) => `${providers}/${encodeURIComponent(id)}`
const allocations = (consumer: string) => `/allocations/${encodeURIComponent(consumer)}`

export class PlacementClient {
  readonly #client: ServiceClient

  constructor(client: ServiceClient) {
    this.#client = client
  }

  listCandidates(query: QueryOf): Promise<Candidates> {
    return this.#client.ask<Candidates>('GET', withQuery('/allocation_candidates', query))
  }

  findProvider(id: string): Promise<ShownProvider | undefined> {
    return this.#client.find<ShownProvider>(provider(id))
  }

  async listProviders(query: QueryOf): Promise<readonly ShownProvider[]> {
    return (await this.#client.ask<Shown<typeof listAnswer>>('GET', withQuery(providers, query))).resource_providers
  }

  /** False where there is another one of this name or id. */
  createProvider(given: { uuid: string; name: string }): Promise<boolean> {
    return this.#unlessConflict('POST', providers, given)
  }

  async renameProvider(id: string, name: string): Promise<void> {
    await this.#client.ask('PUT', provider(id), { name })
  }

  /** Also where there is none any more. */
  async deleteProvider(id: string): Promise<void> {
    await this.#client.request({ method: 'DELETE', path: provider(id), accept: [404] })
  }

  /** False where somebody else changed the provider since. */
  replaceInventories(id: string, given: Inventories): Promise<boolean> {
    return this.#unlessConflict('PUT', `${provider(id)}/inventories`, given)
  }

  traitsOf(id: string): Promise<Shown<typeof traitsAnswer>> {
    return this.#client.ask<Shown<typeof traitsAnswer>>('GET', `${provider(id)}/traits`)
  }

  /** False where somebody else changed the provider since. */
  replaceTraits(id: string, given: Traits): Promise<boolean> {
    return this.#unlessConflict('PUT', `${provider(id)}/traits`, given)
  }

  /** Makes a custom trait, unless it is there. */
  async ensureTrait(name: string): Promise<void> {
    await this.#client.ask('PUT', `/traits/${encodeURIComponent(name)}`)
  }

  /** Whether there is a trait or a resource class of that name. */
  async has(kind: 'traits' | 'resource_classes', name: string): Promise<boolean> {
    const path = `/${kind}/${encodeURIComponent(name)}`
    return (await this.#client.request({ method: 'GET', path, accept: [404] })).status !== 404
  }

  allocationsOf(consumer: string): Promise<ShownConsumer> {
    return this.#client.ask<ShownConsumer>('GET', allocations(consumer))
  }

  /** False where somebody else was faster. */
  allocate(consumer: string, claim: Claim): Promise<boolean> {
    return this.#unlessConflict('PUT', allocations(consumer), claim)
  }

  /** Also where there are none any more. */
  async deleteAllocations(consumer: string): Promise<void> {
    await this.#client.request({ method: 'DELETE', path: allocations(consumer), accept: [404] })
  }

  /** What is taken of a provider, by consumer; undefined where there is no provider. */
  consumersOf(id: string): Promise<ShownConsumers | undefined> {
    return this.#client.find<ShownConsumers>(`${provider(id)}/allocations`)
  }

  async #unlessConflict(method: string, path: string, json: object): Promise<boolean> {
    return (await this.#client.request({ method, path, json, accept: [409] })).status !== 409
  }
}
