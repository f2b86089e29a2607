/**
 * The service catalog of a token. What it is computed from is read once and kept until something of it changes, as are
 * the catalogs themselves, so a token that is shown again costs no query for its catalog.
 */
import type { Database } from '../../../platform/db/database.ts'
import { readCatalog, type CatalogFacts } from '../store/catalog.ts'
import { listEnabledServiceProviders } from '../store/federation.ts'
import { isInGroup } from '../store/endpoint-filters.ts'
import type { Row } from '../store/rows.ts'
import type { IdentitySchema } from '../store/tables.ts'

export interface CatalogService {
  id: string
  type: string
  name: string
  endpoints: CatalogEndpoint[]
}

export interface CatalogEndpoint {
  id: string
  interface: string
  region_id: string | null
  region: string | null
  url: string
}

/** Variables that are filled in, whatever an endpoint's address says (OSSA-2014-029). */
export const urlVariables = ['tenant_id', 'project_id', 'user_id'] as const
export const urlVariable = /[$%]\(([^)]*)\)(s?)/g

export interface ServiceProviderRef {
  id: string
  auth_url: string
  sp_url: string
}

const mostCatalogs = 2000

export class Catalog {
  readonly #database: Database<IdentitySchema>
  readonly #showsAllWithoutFilter: boolean
  #facts: Promise<CatalogFacts> | undefined
  #providers: Promise<ServiceProviderRef[]> | undefined
  #views = new Map<string, CatalogService[]>()

  constructor(database: Database<IdentitySchema>, options: { returnAllEndpoints: boolean }) {
    this.#database = database
    this.#showsAllWithoutFilter = options.returnAllEndpoints
  }

  /** Something that catalogs are made of has changed. */
  changed(): void {
    this.#facts = undefined
    this.#providers = undefined
    this.#views = new Map()
  }

  /** The catalog of a user in a project; without one, endpoints with a project's id in their address are left out. */
  async of(userId: string, projectId: string | null): Promise<CatalogService[]> {
    const key = `${userId} ${projectId ?? ''}`
    const known = this.#views.get(key)
    if (known) return known
    const views = this.#views
    const view = compute(await this.#read(), userId, projectId, this.#showsAllWithoutFilter)
    if (views.size >= mostCatalogs) views.delete(views.keys().next().value!)
    views.set(key, view) // into the map of before: a change in between has thrown that away
    return view
  }

  /** The clouds that a token can be taken to: they stand in every token. */
  serviceProviders(): Promise<ServiceProviderRef[]> {
    if (!this.#providers) {
      const reading = listEnabledServiceProviders(this.#database.db)
      this.#providers = reading
      reading.catch(() => {
        if (this.#providers === reading) this.#providers = undefined
      })
    }
    return this.#providers
  }

  #read(): Promise<CatalogFacts> {
    if (!this.#facts) {
      const reading = readCatalog(this.#database.db)
      this.#facts = reading
      reading.catch(() => {
        if (this.#facts === reading) this.#facts = undefined
      })
    }
    return this.#facts
  }
}

function compute(facts: CatalogFacts, userId: string, projectId: string | null, showsAll: boolean): CatalogService[] {
  const isVisible = projectId === null ? undefined : filterOf(facts, projectId)
  if (!isVisible && !showsAll) return []
  const values: Record<string, string> = { user_id: userId }
  if (projectId !== null) values['tenant_id'] = values['project_id'] = projectId
  const services = facts.services.map((service) => ({
    id: service.id,
    type: service.type,
    name: service.name ?? '',
    endpoints: facts.endpoints
      .filter((endpoint) => endpoint.service_id === service.id && (!isVisible || isVisible(endpoint)))
      .flatMap((endpoint) => viewEndpoint(endpoint, values)),
  }))
  return isVisible ? services.filter((service) => service.endpoints.length > 0) : services
}

/** Which endpoints a project sees; undefined where nothing is filtered. */
function filterOf(facts: CatalogFacts, projectId: string): ((endpoint: Row<'endpoints'>) => boolean) | undefined {
  const named = new Set(
    facts.projectEndpoints.filter((row) => row.project_id === projectId).map((row) => row.endpoint_id),
  )
  const groupIds = new Set(
    facts.projectGroups.filter((row) => row.project_id === projectId).map((row) => row.endpoint_group_id),
  )
  const groups = facts.groups.filter((group) => groupIds.has(group.id))
  const isVisible = (endpoint: Row<'endpoints'>) =>
    named.has(endpoint.id) || groups.some((group) => isInGroup(endpoint, group))
  return facts.endpoints.some(isVisible) ? isVisible : undefined
}

function viewEndpoint(row: Row<'endpoints'>, values: Readonly<Record<string, string>>): CatalogEndpoint[] {
  const names = [...row.url.matchAll(urlVariable)].map((match) => match[1]!)
  if (names.some((name) => !Object.hasOwn(values, name))) return []
  const url = row.url.replace(urlVariable, (_whole, name: string) => values[name]!)
  return [{ id: row.id, interface: row.interface, region_id: row.region_id, url, region: row.region_id }]
}
