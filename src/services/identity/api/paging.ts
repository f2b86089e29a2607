/** `limit`, `marker`, `list_limit` and `truncated` of keystone's listings, and their filters. */
import { Invalid, NotFound } from '../../../platform/errors.ts'
import { last, type Query } from '../../../platform/http/route.ts'
import type { IdentityDeps } from '../deps.ts'
import type { Filter, Page } from '../store/listing.ts'
import { findRow, type Table } from '../store/rows.ts'
import type { Collection } from './links.ts'

/** Which section's `list_limit` a listing obeys. */
export type ListSection = 'identity' | 'resource' | 'role' | 'catalog' | 'policy' | 'unifiedLimit'

const invalid = (name: string, value: string) =>
  new Invalid(`Invalid input for field '${name}': '${value}' is not of type 'integer'`)

/** The page that a request asks for, within what the configuration allows. */
export function pageOf(query: Query, config: IdentityDeps['config'], section: ListSection | undefined): Page {
  const marker = last(query, 'marker') || undefined
  const asked = last(query, 'limit')
  if (asked !== undefined && !/^\d{1,9}$/.test(asked)) throw invalid('limit', asked)
  const configured = (section && config[`${section}ListLimit`]) || config.listLimit
  const limit = Number(asked ?? 0) || configured || (asked === undefined ? 0 : config.maxDbLimit)
  return { marker, limit: limit === 0 ? undefined : Math.min(limit, config.maxDbLimit || Infinity) }
}

/** Throws 404 unless the row that a page begins behind exists. */
export async function requireMarker({ database: { db } }: IdentityDeps, table: Table, page: Page): Promise<void> {
  if (page.marker === undefined) return
  const row = await findRow(db, table, { id: page.marker } as never)
  if (!row) throw new NotFound(`Marker ${page.marker} could not be found.`)
}

/** A listing with its links; `isCut` says that `truncated` and `next` belong to it. */
export function pageAnswer(
  plural: string,
  items: readonly { id: string }[],
  request: { baseUrl: string; url: string },
  cut?: Page,
): Collection {
  const self = request.baseUrl + request.url
  const body = { links: { next: cut ? nextLink(self, items, cut) : null, self, previous: null }, [plural]: items }
  return { status: 200, body: cut ? { ...body, truncated: true } : body }
}

function nextLink(self: string, items: readonly { id: string }[], { limit }: Page): string | null {
  const lastItem = items.at(-1)
  if (!lastItem) return null
  const url = new URL(self)
  url.searchParams.set('marker', lastItem.id)
  url.searchParams.set('limit', String(limit))
  return url.href
}

/** Query parameter to column. Booleans are stored as 0 and 1, `''` is how a null is kept. */
export type Filters = Readonly<Record<string, { column: string; kind?: 'text' | 'boolean' }>>

/** Filters as keystone has them: equality, `name__contains` and its like, `name__icontains` whatever the case. */
export function filtersOf(filters: Filters, query: Query): Filter[] {
  return Object.keys(query).flatMap((name) => {
    const [field = '', comparator] = name.split('__')
    const filter = Object.hasOwn(filters, field) ? filters[field]! : undefined
    if (!filter) return []
    const { column } = filter
    return query[name]!.flatMap((value): Filter[] => {
      if (comparator === undefined)
        return [{ column, comparator: '=', value: filter.kind === 'boolean' ? Number(isTrue(value)) : value }]
      const match = /^(i)?(equals|contains|startswith|endswith)$/.exec(comparator)
      // Keystone silently ignores comparators that it does not know.
      if (!match || filter.kind === 'boolean') return []
      const kind = match[2] === 'equals' ? '=' : (match[2] as 'contains' | 'startswith' | 'endswith')
      return [{ column, comparator: kind, value, ignoreCase: match[1] === 'i' }]
    })
  })
}

/** What a query says of these columns, which are called as it calls them. */
export const askedOf = <Name extends string>(query: Query, names: readonly Name[]): { [K in Name]?: string } =>
  Object.fromEntries(
    names.flatMap((name) => {
      const value = last(query, name)
      return value === undefined ? [] : [[name, value]]
    }),
  ) as { [K in Name]?: string }

/** A boolean in a query; keystone takes `enabled` without a value for true. */
export const isTrue = (text: string): boolean => !/^(false|f|0|no|n|off)$/i.test(text)

/** A flag like `effective`: there and not `0`. */
export const isFlagged = (query: Query, name: string): boolean => {
  const value = last(query, name)
  return value !== undefined && value !== '0'
}
