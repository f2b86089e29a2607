/** A collection's list: what the database can filter, sort and cut it does; the rest is done with what policies show. */
import { distinctBy } from '../../../../base/distinct.ts'
import { pageOfRows, partsOf } from '../../../../platform/api/listing.ts'
import type { Request } from '../../../../platform/api/resource.ts'
import type { Context } from '../../../../platform/auth/context.ts'
import type { PolicyTarget } from '../../../../platform/auth/policy.ts'
import type { SortKey } from '../../../../platform/db/keyset.ts'
import { NotFound } from '../../../../platform/errors.ts'
import type { Query } from '../../../../platform/http/route.ts'
import type { NetworkDeps } from '../../deps.ts'
import { policy } from '../../policies.ts'
import { inScope, pageRows, valuesOf, type Row, type OwnedTable } from '../../store/rows.ts'
import { scopeFor, type Collection } from './collection.ts'
import {
  asksOnlyOf,
  canonicalFilters,
  cut,
  linksOf,
  pageOf,
  pagingOf,
  requireKnown,
  unknownMarker,
  type Page,
  type View,
} from './listing.ts'
import { seen, visible, withoutHidden } from './seen.ts'

const columnOf = (name: string) => (name === 'tenant_id' ? 'project_id' : name)

/** The part of the query that the database answers. */
function whereOf({ columns }: { columns: readonly string[] }, query: Query): Record<string, readonly string[]> {
  const asked = canonicalFilters(query)
  return Object.fromEntries(columns.flatMap((name) => (asked[name] ? [[columnOf(name), asked[name]]] : [])))
}

/** The order that is asked for; by id at last, so that it is total. */
function keysOf(query: Query, isReverse: boolean): SortKey[] {
  const names = (query['sort_key'] ?? []).filter((name) => name !== '')
  const directions = (query['sort_dir'] ?? []).filter((each) => each !== '')
  const keys = names.map((name, index) => ({ column: columnOf(name), isDescending: directions[index] === 'desc' }))
  const all = [...keys, { column: 'id', isDescending: false }]
  // What is sorted by once is sorted by it; the condition of a marker grows with the square of the keys.
  return distinctBy(all, (key) => key.column).map(({ column, isDescending }) => ({
    column,
    direction: isDescending === isReverse ? 'asc' : 'desc',
  }))
}

/** The row that a page begins behind. Throws 400 for one that the caller does not see. */
async function markerOf(collection: Collection, ctx: Context, deps: NetworkDeps, id: string): Promise<Row<OwnedTable>> {
  try {
    return (await visible(collection, ctx, deps.database.db, id)).row
  } catch (error) {
    if (error instanceof NotFound) throw unknownMarker(collection.plural, id)
    throw error
  }
}

export async function list(collection: Collection, request: Request, deps: NetworkDeps): Promise<Page> {
  const { ctx, query } = request
  const { plural, columns } = collection
  requireKnown(query, collection.filters)
  const { db } = deps.database
  const isPlain = asksOnlyOf(query, columns)
  const page = pagingOf(query)
  const scope = scopeFor(ctx, collection)
  const conditions = [...valuesOf(whereOf(collection, query)), ...(scope ? [inScope(scope)] : [])]
  const keys = isPlain ? keysOf(query, page.isReverse) : keysOf({}, false)
  const rule = policy(`get_${collection.singular}`)
  const listing = {
    read: (after: Row<OwnedTable> | undefined, limit: number) =>
      pageRows(db, collection.table, { conditions, keys, after, limit }),
    targets: (rows: readonly Row<OwnedTable>[]) => collection.targets(db, rows),
    isSeen: (target: PolicyTarget) => ctx.can(rule, target),
  }
  if (isPlain && page.limit !== Infinity) {
    const after = page.marker === undefined ? undefined : await markerOf(collection, ctx, deps, page.marker)
    const { rows, targetOf } = await pageOfRows(listing, { after, limit: page.limit })
    const inOrder = page.isReverse ? rows.toReversed() : rows
    const views = withoutHidden(collection, await seen(collection, ctx, deps, inOrder, targetOf))
    return pageOf(plural, views, linksOf(request, page, views), query)
  }
  const all: View[] = []
  for await (const { rows, targetOf } of partsOf(listing))
    all.push(...(await seen(collection, ctx, deps, rows, targetOf)))
  const { items, links } = isPlain ? { items: all, links: [] } : cut(plural, all, request)
  return pageOf(plural, withoutHidden(collection, items), links, query)
}
