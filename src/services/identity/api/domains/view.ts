import type { Row } from '../../store/rows.ts'
import { extras } from '../resource.ts'

export const viewDomain = (row: Row<'projects'>, tags: readonly string[]) => ({
  ...extras(row),
  id: row.id,
  name: row.name,
  description: row.description,
  enabled: row.enabled === 1,
  tags,
  options: JSON.parse(row.options) as object,
})
