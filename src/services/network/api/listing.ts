/** What all of neutron's collections share: filters on any attribute, sorting, paging, `fields`. */
import { last, type ApiResponse, type Query } from '../../../platform/http/route.ts'
import { badRequest } from '../errors.ts'

export type View = Record<string, unknown> & { id: string }

const own = ['fields', 'limit', 'marker', 'sort_key', 'sort_dir', 'page_reverse']
const tagFilters = ['tags', 'tags-any', 'not-tags', 'not-tags-any']

/** The page of a collection that the query asks for. */
export function page(plural: string, views: readonly View[], query: Query, self: string): ApiResponse {
  const sorted = sort(
    views.filter((view) => matches(view, query)),
    query,
  )
  const limit = limitOf(query)
  const marker = last(query, 'marker')
  const isReverse = /^true$/i.test(last(query, 'page_reverse') ?? '')
  const ordered = isReverse ? sorted.toReversed() : sorted
  const from = marker === undefined ? 0 : ordered.findIndex((view) => view.id === marker) + 1
  if (marker !== undefined && from === 0)
    throw badRequest('BadRequest', `Bad ${plural} request: The resource marked by '${marker}' could not be found.`)
  const shown = ordered.slice(from, from + limit)
  const links: { rel: string; href: string }[] = []
  const link = (rel: string, id: string, reverse: boolean) => {
    const url = new URL(self)
    url.searchParams.set('marker', id)
    if (reverse) url.searchParams.set('page_reverse', 'True')
    else url.searchParams.delete('page_reverse')
    links.push({ rel, href: url.toString() })
  }
  const items = isReverse ? shown.toReversed() : shown
  if (limit !== Infinity && items.length > 0) {
    // In the direction of reading there is more, or we came from there.
    if (isReverse || from + limit < ordered.length) link('next', items.at(-1)!.id, false)
    if (isReverse ? from + limit < ordered.length : marker !== undefined) link('previous', items[0]!.id, true)
  }
  const body = {
    [plural]: items.map((view) => pick(view, query)),
    ...(links.length > 0 && { [`${plural}_links`]: links }),
  }
  return { status: 200, body }
}

/** 0 is no limit, as in neutron. */
function limitOf(query: Query): number {
  const text = last(query, 'limit')
  if (text === undefined) return Infinity
  if (!/^\d{1,9}$/.test(text))
    throw badRequest('BadRequest', `Bad limit request: Limit must be an integer 0 or greater and not '${text}'.`)
  return Number(text) || Infinity
}

/** Only the attributes named by `fields`. */
export function pick(view: View, query: Query): object {
  const fields = query['fields']
  if (!fields) return view
  return Object.fromEntries(Object.entries(view).filter(([name]) => fields.includes(name)))
}

function matches(view: View, query: Query): boolean {
  return Object.entries(query).every(([name, values]) => {
    if (own.includes(name)) return true
    if (tagFilters.includes(name)) return matchesTags((view['tags'] ?? []) as string[], name, values)
    if (name === 'fixed_ips') return matchesAddress(view['fixed_ips'], values)
    // A filter on what is no attribute is ignored, as neutron does unless it validates filters.
    if (!Object.hasOwn(view, name)) return true
    return values.some((value) => equals(view[name], value))
  })
}

/** `tags` wants all of them, `tags-any` one; `not-` turns the answer round. */
function matchesTags(actual: readonly string[], filter: string, values: readonly string[]): boolean {
  const wanted = values.flatMap((value) => value.split(','))
  const hits = wanted.filter((tag) => actual.includes(tag)).length
  const isMet = filter.endsWith('-any') ? hits > 0 : hits === wanted.length
  return filter.startsWith('not-') ? !isMet : isMet
}

function equals(actual: unknown, wanted: string): boolean {
  if (typeof actual === 'boolean') return actual === /^(true|1)$/i.test(wanted)
  if (Array.isArray(actual)) return actual.some((each) => equals(each, wanted))
  return String(actual ?? '') === wanted
}

/** `fixed_ips=ip_address=10.0.0.3` and `subnet_id=…`. */
function matchesAddress(actual: unknown, wanted: readonly string[]): boolean {
  const addresses = (actual ?? []) as Record<string, string>[]
  return wanted.some((text) => {
    const [key = '', value = ''] = text.split('=')
    return addresses.some((address) =>
      key.endsWith('_substr') ? (address[key.slice(0, -7)] ?? '').includes(value) : address[key] === value,
    )
  })
}

function sort(views: readonly View[], query: Query): View[] {
  const keys = query['sort_key'] ?? []
  const directions = query['sort_dir'] ?? []
  if (directions.length > 0 && directions.length !== keys.length)
    throw badRequest('BadRequest', 'Bad sort request: The number of sort_keys and sort_dirs must be same.')
  const wrong = directions.find((each) => each !== 'asc' && each !== 'desc')
  if (wrong !== undefined)
    throw badRequest(
      'BadRequest',
      `Bad sort request: '${wrong}' is invalid value for sort_dirs, it must be asc or desc.`,
    )
  const unknown = keys.filter((key) => views.some((view) => !isSortable(view, key)))
  if (unknown.length > 0)
    throw badRequest('BadRequest', `Bad sort request: ['${unknown.join("', '")}'] is invalid attribute for sort_keys.`)
  const compare = (a: unknown, b: unknown) =>
    typeof a === 'number' && typeof b === 'number'
      ? a - b
      : String(a ?? '') < String(b ?? '')
        ? -1
        : String(a ?? '') > String(b ?? '')
          ? 1
          : 0
  return views.toSorted((a, b) => {
    for (const [index, key] of keys.entries()) {
      const order = compare(a[key], b[key]) * (directions[index] === 'desc' ? -1 : 1)
      if (order !== 0) return order
    }
    return compare(a.id, b.id)
  })
}

const isSortable = (view: View, key: string): boolean =>
  Object.hasOwn(view, key) && (typeof view[key] !== 'object' || view[key] === null)

/** Times and numbers that every entity shows. */
export const standard = (row: {
  id: string
  project_id: string
  name: string
  description: string
  created_at: number
  updated_at: number
  revision: number
}) => ({
  id: row.id,
  name: row.name,
  description: row.description,
  project_id: row.project_id,
  tenant_id: row.project_id,
  tags: [] as string[],
  created_at: `${new Date(Number(row.created_at)).toISOString().slice(0, 19)}Z`,
  updated_at: `${new Date(Number(row.updated_at)).toISOString().slice(0, 19)}Z`,
  revision_number: Number(row.revision),
})
