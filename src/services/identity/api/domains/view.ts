import type { IdentityDeps } from '../../deps.ts'
import { tagsOf } from '../../store/projects.ts'
import type { Row } from '../../store/rows.ts'
import { extras } from '../kit/extra.ts'
import { Type } from 'typebox'
import type { Shown } from '../../../../platform/http/answers.ts'
import { boolean, nullableText, open, text, texts } from '../answers.ts'

export const domainAnswer = open({
  id: text,
  name: text,
  description: nullableText,
  enabled: boolean,
  tags: texts,
  options: Type.Record(text, Type.Unknown()),
})

const viewDomain = (row: Row<'projects'>, tags: readonly string[]): Shown<typeof domainAnswer> => ({
  ...extras(row),
  id: row.id,
  name: row.name,
  description: row.description,
  enabled: row.enabled === 1,
  tags,
  options: JSON.parse(row.options) as Record<string, unknown>,
})

/** Domains with their tags, in two queries however many there are. */
export async function viewDomains(rows: readonly Row<'projects'>[], { database }: Pick<IdentityDeps, 'database'>) {
  const tags = await tagsOf(
    database.db,
    rows.map((row) => row.id),
  )
  return rows.map((row) => viewDomain(row, tags.get(row.id)!))
}
