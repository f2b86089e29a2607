/** What the answers of all resources share: tags, pages, `fields`, and `If-Match`. */
import type { IncomingHttpHeaders } from 'node:http'
import { ApiError } from '../../../platform/http/errors.ts'
import type { ApiRequest, ApiResponse, Query } from '../../../platform/http/route.ts'
import { badRequest } from '../errors.ts'
import type { NetworkDb } from '../store/rows.ts'
import { tagsOf, type Taggable } from '../store/tags.ts'
import { page, pick, type View } from './listing.ts'

export async function withTags(db: NetworkDb, type: Taggable, views: readonly View[]): Promise<View[]> {
  const tags = await tagsOf(
    db,
    type,
    views.map(({ id }) => id),
  )
  return views.map((view) => ({ ...view, tags: tags.get(view.id) ?? [] }))
}

/** The page of a collection; its name in the answer is the path's with underscores. */
export async function listed(
  db: NetworkDb,
  type: Taggable,
  views: readonly View[],
  { query, baseUrl, url }: Pick<ApiRequest, 'query' | 'baseUrl' | 'url'>,
): Promise<ApiResponse> {
  return page(type.replaceAll('-', '_'), await withTags(db, type, views), query, baseUrl + url)
}

/** One resource under its singular name. */
export async function one(
  db: NetworkDb,
  type: Taggable,
  view: View,
  status = 200,
  query: Query = {},
): Promise<ApiResponse> {
  const [shown] = await withTags(db, type, [view])
  return { status, body: { [type.replaceAll('-', '_').replace(/s$/, '')]: pick(shown!, query) } }
}

/** A compare-and-swap by `If-Match: revision_number=N`; call it in the transaction that writes, with the row it read. */
export function requireRevision(headers: IncomingHttpHeaders, row: { id: string; revision: number }): void {
  const conditions = [headers['if-match'] ?? []].flat().flatMap((text) => text.split(','))
  for (const condition of conditions.map((each) => each.trim()).filter((each) => each.startsWith('revision_number='))) {
    const text = condition.slice('revision_number='.length)
    if (!/^\d+$/.test(text))
      throw badRequest(
        'BadRequest',
        'Bad if-match request: Malformed revision_number: it must be revision_number=<int>.',
      )
    if (Number(text) !== Number(row.revision))
      throw new ApiError(412, `Constrained to ${text}, but current revision is ${row.revision}`, {
        code: 'RevisionNumberConstraintFailed',
      })
  }
}

/** The answer to a creation of one or many. */
export const created = (singular: string, views: readonly View[], isBulk: boolean): ApiResponse => ({
  status: 201,
  body: isBulk ? { [`${singular}s`]: views } : { [singular]: views[0] },
})
