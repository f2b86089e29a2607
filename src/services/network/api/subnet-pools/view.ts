import type { Shown } from '../../../../platform/http/answers.ts'
import { addressScopeNotFound, subnetPoolNotFound } from '../../errors.ts'
import { parseList, type Row } from '../../store/rows.ts'
import { ownOrSharedScope, collection } from '../kit/collection.ts'
import { filtersOf, standard, withTagFilters } from '../kit/listing.ts'
import { ownedBy } from '../kit/targets.ts'
import { addressScopeAnswer, subnetPoolAnswer } from './schema.ts'

const shareable = (row: { project_id: string; shared: number }) => ({
  ...ownedBy(row.project_id),
  shared: row.shared === 1,
})

const viewPool = (row: Row<'subnet_pools'>): Shown<typeof subnetPoolAnswer> => ({
  ...standard(row),
  ip_version: row.ip_version,
  prefixes: parseList(row.prefixes),
  default_prefixlen: String(row.default_prefixlen),
  min_prefixlen: String(row.min_prefixlen),
  max_prefixlen: String(row.max_prefixlen),
  default_quota: row.default_quota === null ? null : Number(row.default_quota),
  address_scope_id: row.address_scope_id,
  is_default: row.is_default === 1,
  shared: row.shared === 1,
})

export const subnetPools = collection({
  singular: 'subnetpool',
  answer: subnetPoolAnswer,
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
})

const viewScope = ({
  id,
  name,
  project_id,
  ip_version,
  shared,
}: Row<'address_scopes'>): Shown<typeof addressScopeAnswer> => ({
  id,
  name,
  project_id,
  tenant_id: project_id,
  ip_version,
  shared: shared === 1,
})

export const addressScopes = collection({
  singular: 'address_scope',
  answer: addressScopeAnswer,
  table: 'address_scopes',
  filters: filtersOf('ip_version', 'shared'),
  columns: ['id', 'name', 'project_id', 'tenant_id'],
  scope: ownOrSharedScope,
  notFound: addressScopeNotFound,
  targets: () => Promise.resolve(shareable),
  views: (_db, rows) => Promise.resolve(rows.map(viewScope)),
})
