/** Keystone's unified limits for the image service, as oslo.limit reads them. */
import type { ServiceClient } from '../../../platform/http/client.ts'
import { IdentityClient, type Limit, type RegisteredLimit } from '../../identity/client.ts'
import type { ReadLimits } from '../deps.ts'
import { resources, type Resource } from './quota.ts'

/** Reads the limits anew for every decision: an operator's change counts at once. */
export function keystoneLimits(client: ServiceClient, region: string): ReadLimits {
  const identity = new IdentityClient(client)
  return async (projectId) => {
    const service = (await identity.listServices({ type: 'image' })).find(({ type }) => type === 'image')
    if (!service) throw new Error('keystone has no service of type image: unified limits cannot be read')
    const [registered, own] = await Promise.all([
      identity.listRegisteredLimits({ service_id: service.id }),
      identity.listLimits({ service_id: service.id, project_id: projectId }),
    ])
    const here = (row: Limit | RegisteredLimit) => row.region_id === null || row.region_id === region
    const limitOf = (name: Resource) =>
      own.find((row) => row.resource_name === name && here(row))?.resource_limit ??
      registered.find((row) => row.resource_name === name && here(row))?.default_limit ??
      0
    return Object.fromEntries(resources.map((name) => [name, limitOf(name)])) as Record<Resource, number>
  }
}

/** Where `use_keystone_limits` is off. */
export const noLimits: ReadLimits = () => Promise.resolve(null)
