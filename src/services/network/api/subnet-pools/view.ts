import { addressScopeNotFound, subnetPoolNotFound } from '../../errors.ts'
import { parseList, type Row } from '../../store/rows.ts'
import { ownOrSharedScope, type Collection } from '../kit/collection.ts'
import { filtersOf, standard, withTagFilters, type View } from '../kit/listing.ts'
import { ownedBy } from '../kit/targets.ts'

const shareable = (row: { project_id: string; shared: number }) => ({
  ...ownedBy(row.project_id),
  shared: row.shared === 1,
})

const viewPool = (row: Row<'subnet_pools'>): View => ({
  ...standard(row),
  ip_version: row.ip_version,
  prefixes: parseList(row.prefixes),
  // Texts, as clients know them from neutron.
  default_prefixlen: String(row.default_prefixlen),
  min_prefixlen: String(row.min_prefixlen),
  max_prefixlen: String(row.max_prefixlen),
  default_quota: row.default_quota === null ? null : Number(row.default_quota),
  address_scope_id: row.address_scope_id,
  is_default: row.is_default === 1,
  shared: row.shared === 1,
})

export const subnetPools: Collection<'subnet_pools'> & { tags: 'subnetpools' } = {
  singular: 'subnetpool',
  table: 'subnet_pools',
  tags: 'subnetpools',
  shows: ['prefixes'],
  filters: withTagFilters(
    'default_quota',
    'ip_version',
    'default_prefixlen',
    'min_prefixlen',
    'max_prefixlen',
    'is_default',
    'shared',
    'address_scope_id',
  ),
  columns: ['id', 'name', 'project_id', 'tenant_id', 'address_scope_id'],
  scope: ownOrSharedScope,
  notFound: subnetPoolNotFound,
  targets: () => Promise.resolve(shareable),
  views: (_db, rows) => Promise.resolve(rows.map(viewPool)),
}

/** Address scopes are not among the resources with revisions, times and tags. */
const viewScope = ({ id, name, project_id, ip_version, shared }: Row<'address_scopes'>): View => ({
  id,
  name,
  project_id,
  tenant_id: project_id,
  ip_version,
  shared: shared === 1,
})

export const addressScopes: Collection<'address_scopes'> = {
  singular: 'address_scope',
  table: 'address_scopes',
  filters: filtersOf('ip_version', 'shared'),
  columns: ['id', 'name', 'project_id', 'tenant_id'],
  scope: ownOrSharedScope,
  notFound: addressScopeNotFound,
  targets: () => Promise.resolve(shareable),
  views: (_db, rows) => Promise.resolve(rows.map(viewScope)),
}
