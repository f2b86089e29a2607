/** Keystone's unified limits for the image service, as oslo.limit reads them. */
import type { ServiceClient } from '../../../platform/http/client.ts'
import type { ReadLimits } from '../deps.ts'
import { resources, type Resource } from './quota.ts'

interface LimitRow {
  resource_name: string
  region_id: string | null
  project_id?: string | null
  default_limit?: number
  resource_limit?: number
}

/** Reads the limits anew for every decision: an operator's change counts at once. */
export function keystoneLimits(identity: ServiceClient, region: string): ReadLimits {
  const get = async <T>(path: string, key: string): Promise<T[]> =>
    ((await identity.request({ method: 'GET', path })).body as Record<string, T[]>)[key] ?? []
  return async (projectId) => {
    const services = await get<{ id: string; type: string }>('/v3/services?type=image', 'services')
    const service = services.find((each) => each.type === 'image')
    if (!service) throw new Error('keystone has no service of type image: unified limits cannot be read')
    const query = `service_id=${service.id}`
    const [registered, own] = await Promise.all([
      get<LimitRow>(`/v3/registered_limits?${query}`, 'registered_limits'),
      get<LimitRow>(`/v3/limits?${query}&project_id=${encodeURIComponent(projectId)}`, 'limits'),
    ])
    const here = (row: LimitRow) => row.region_id === null || row.region_id === region
    const limitOf = (name: Resource) =>
      own.find((row) => row.resource_name === name && here(row))?.resource_limit ??
      registered.find((row) => row.resource_name === name && here(row))?.default_limit ??
      0
    return Object.fromEntries(resources.map((name) => [name, limitOf(name)])) as Record<Resource, number>
  }
}

/** Where `use_keystone_limits` is off. */
export const noLimits: ReadLimits = () => Promise.resolve(null)
