import type { Row } from '../../store/rows.ts'
import type { Listing } from '../kit/listing.ts'
import { Type } from 'typebox'
import { exactly, type Shown } from '../../../../platform/http/answers.ts'
import { nullableText, text } from '../answers.ts'

const common = {
  id: text,
  service_id: text,
  region_id: nullableText,
  resource_name: text,
  description: nullableText,
}
export const registeredAnswer = exactly({ ...common, default_limit: Type.Integer() })
export const limitAnswer = exactly({
  ...common,
  project_id: nullableText,
  domain_id: nullableText,
  resource_limit: Type.Integer(),
})

export const viewRegistered = (row: Row<'registered_limits'>): Shown<typeof registeredAnswer> => ({
  id: row.id,
  service_id: row.service_id,
  region_id: row.region_id || null,
  resource_name: row.resource_name,
  default_limit: Number(row.default_limit),
  description: row.description,
})

export const viewLimit = (row: Row<'limits'>): Shown<typeof limitAnswer> => ({
  id: row.id,
  project_id: row.project_id || null,
  domain_id: row.domain_id || null,
  service_id: row.service_id,
  region_id: row.region_id || null,
  resource_name: row.resource_name,
  resource_limit: Number(row.resource_limit),
  description: row.description,
})

const filters = {
  service_id: { column: 'service_id' },
  region_id: { column: 'region_id' },
  resource_name: { column: 'resource_name' },
}

export const registeredListing: Listing<'registered_limits'> = {
  table: 'registered_limits',
  plural: 'registered_limits',
  path: '/registered_limits',
  section: 'unifiedLimit',
  filters,
  views: (_db, rows) => Promise.resolve(rows.map(viewRegistered)),
}

export const limitListing: Listing<'limits'> = {
  table: 'limits',
  plural: 'limits',
  path: '/limits',
  section: 'unifiedLimit',
  filters: { ...filters, project_id: { column: 'project_id' }, domain_id: { column: 'domain_id' } },
  views: (_db, rows) => Promise.resolve(rows.map(viewLimit)),
}
