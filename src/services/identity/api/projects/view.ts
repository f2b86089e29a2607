import type { IdentityDeps } from '../../deps.ts'
import { tagsOf } from '../../store/projects.ts'
import type { Row } from '../../store/rows.ts'
import { extras } from '../kit/extra.ts'
import { boolean, nullableText, open, text, texts } from '../answers.ts'
import type { Shown } from '../../../../platform/http/answers.ts'
import { Type } from 'typebox'

const options = Type.Record(text, Type.Unknown())

export const projectAnswer = open({
  id: text,
  name: text,
  domain_id: nullableText,
  description: nullableText,
  enabled: boolean,
  parent_id: nullableText,
  is_domain: boolean,
  tags: texts,
  options,
})

export const viewProject = (row: Row<'projects'>, tags: readonly string[]): Shown<typeof projectAnswer> => ({
  ...extras(row),
  id: row.id,
  name: row.name,
  domain_id: row.domain_id === '' ? null : row.domain_id,
  description: row.description,
  enabled: row.enabled === 1,
  parent_id: row.parent_id ?? (row.domain_id === '' ? null : row.domain_id),
  is_domain: row.is_domain === 1,
  tags,
  options: JSON.parse(row.options) as Record<string, unknown>,
})

/** Projects with their tags, in two queries however many there are. */
export async function viewProjects(rows: readonly Row<'projects'>[], { database }: Pick<IdentityDeps, 'database'>) {
  const ids = rows.map((row) => row.id)
  const tags = await tagsOf(database.db, ids)
  return rows.map((row) => viewProject(row, tags.get(row.id)!))
}
