import type { Row } from '../../store/rows.ts'

export const viewRegistered = (row: Row<'registered_limits'>) => ({
  id: row.id,
  service_id: row.service_id,
  region_id: row.region_id || null,
  resource_name: row.resource_name,
  default_limit: Number(row.default_limit),
  description: row.description,
})

export const viewLimit = (row: Row<'limits'>) => ({
  id: row.id,
  project_id: row.project_id || null,
  domain_id: row.domain_id || null,
  service_id: row.service_id,
  region_id: row.region_id || null,
  resource_name: row.resource_name,
  resource_limit: Number(row.resource_limit),
  description: row.description,
})
