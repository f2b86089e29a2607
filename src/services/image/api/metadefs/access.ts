import type { Context } from '../../../../platform/auth/context.ts'
import { last, type Query } from '../../../../platform/http/route.ts'
import type { ImageDeps } from '../../deps.ts'
import { ImageMissing, InvalidImage } from '../../errors.ts'
import { policy } from '../../policies.ts'
import { findNamespace, type NamespaceRow, type Page } from '../../store/metadefs.ts'

export const targetOf = (row: NamespaceRow) => ({ project_id: row.owner, visibility: row.visibility })

/**
 * A namespace on which the caller may do all of `rules`. Throws ImageMissing where it is not there for the caller, and
 * Forbidden.
 */
export async function namespaceFor(
  ctx: Context,
  { database }: Pick<ImageDeps, 'database'>,
  name: string,
  ...rules: readonly string[]
): Promise<NamespaceRow> {
  const row = await findNamespace(database.db, name)
  if (!row || !ctx.can(policy('get_metadef_namespace'), targetOf(row)))
    throw new ImageMissing(`Metadata definition namespace=${name} was not found.`)
  for (const rule of rules) ctx.authorize(policy(rule), targetOf(row))
  return row
}

export const missing = (kind: 'object' | 'property' | 'tag', name: string, namespace: string) =>
  new ImageMissing(`The metadata definition ${kind} with name=${name} was not found in namespace=${namespace}.`)

/** Reads sort_key, sort_dir and limit of a listing; the marker is the caller's to find. Throws InvalidImage. */
export function parsePage<Column extends string>(
  query: Query,
  columns: readonly Column[],
): Omit<Page<Column>, 'marker'> & { markerName: string | undefined } {
  const direction = last(query, 'sort_dir') ?? 'desc'
  if (direction !== 'asc' && direction !== 'desc') throw new InvalidImage(`Invalid sort direction: ${direction}`)
  const sort = (last(query, 'sort_key') ?? 'created_at') as Column
  if (!columns.includes(sort)) throw new InvalidImage('Sort key supplied was not valid.')
  const text = last(query, 'limit')
  if (text !== undefined && !/^[-+]?\d+$/.test(text.trim())) throw new InvalidImage('limit param must be an integer')
  if (text !== undefined && Number(text) < 0) throw new InvalidImage('limit param must be positive')
  return {
    sort,
    direction,
    limit: text === undefined ? undefined : Number(text),
    markerName: last(query, 'marker'),
  }
}
