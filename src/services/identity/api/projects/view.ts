import type { Row } from '../../store/rows.ts'
import { extras } from '../resource.ts'

export const viewProject = (row: Row<'projects'>, tags: readonly string[]) => ({
  ...extras(row),
  id: row.id,
  name: row.name,
  domain_id: row.domain_id === '' ? null : row.domain_id,
  description: row.description,
  enabled: row.enabled === 1,
  parent_id: row.parent_id ?? (row.domain_id === '' ? null : row.domain_id),
  is_domain: row.is_domain === 1,
  tags,
  options: JSON.parse(row.options) as object,
})
