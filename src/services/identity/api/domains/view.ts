import type { Row } from '../../store/rows.ts'
import { extras } from '../resource.ts'

export const viewDomain = (row: Row<'projects'>) => ({
  ...extras(row),
  id: row.id,
  name: row.name,
  description: row.description,
  enabled: row.enabled === 1,
  tags: [] as string[],
  options: JSON.parse(row.options) as object,
})
