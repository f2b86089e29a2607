/** Listings of users and groups where domains have directories. */
import { Unauthorized } from '../../../platform/errors.ts'
import { last, type ApiRequest } from '../../../platform/http/route.ts'
import type { IdentityDeps } from '../deps.ts'
import type { Filter } from '../store/listing.ts'

/**
 * Brings the entities of one domain up to date: the one that the query names, else that of the caller's token. With
 * domain-specific drivers a listing is of one domain, or a single slow directory would hold up every listing.
 */
export async function gatherDomain(
  { config, residents, directories }: IdentityDeps,
  { ctx, query }: ApiRequest,
  kind: 'users' | 'groups',
): Promise<readonly Filter[]> {
  if (!directories.isInUse) return []
  const named = last(query, 'domain_id')
  const domainId = named ?? (config.domainDrivers ? (ctx.domainId ?? ctx.projectDomainId) : config.defaultDomainId)
  if (domainId === null) throw new Unauthorized('No domain information specified as part of list request')
  const name = last(query, 'name')
  await (kind === 'users' ? residents.listUsers(domainId, name) : residents.listGroups(domainId, name))
  return config.domainDrivers ? [{ column: 'domain_id', comparator: '=', value: domainId }] : []
}
