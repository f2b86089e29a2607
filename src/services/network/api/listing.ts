/** What all of neutron's collections share: filters on any attribute, sorting, paging, `fields`. */
import { last, type ApiResponse, type Query } from '../../../platform/http/route.ts'
import { badRequest } from '../errors.ts'

export type View = Record<string, unknown> & { id: string }

const own = ['fields', 'limit', 'marker', 'sort_key', 'sort_dir', 'page_reverse']

/** The page of a collection that the query asks for. */
export function page(plural: string, views: readonly View[], query: Query, self: string): ApiResponse {
  const sorted = sort(
    views.filter((view) => matches(view, query)),
    query,
  )
  const limitText = last(query, 'limit')
  if (limitText !== undefined && !/^\d+$/.test(limitText))
    throw badRequest('HTTPBadRequest', `Invalid input for limit. Reason: '${limitText}' is not an integer.`)
  const limit = limitText === undefined ? Infinity : Number(limitText)
  const marker = last(query, 'marker')
  const isReverse = last(query, 'page_reverse') === 'True'
  const ordered = isReverse ? sorted.toReversed() : sorted
  const from = marker === undefined ? 0 : ordered.findIndex((view) => view.id === marker) + 1
  if (marker !== undefined && from === 0)
    throw badRequest('HTTPBadRequest', `Invalid input for marker. Reason: '${marker}' is not in the collection.`)
  const shown = ordered.slice(from, from + limit)
  const links: { rel: string; href: string }[] = []
  const link = (rel: string, id: string, reverse: boolean) => {
    const url = new URL(self)
    url.searchParams.set('marker', id)
    if (reverse) url.searchParams.set('page_reverse', 'True')
    else url.searchParams.delete('page_reverse')
    links.push({ rel, href: url.toString() })
  }
  if (limit !== Infinity && shown.length > 0) {
    if (from + limit < ordered.length) link('next', shown.at(-1)!.id, isReverse)
    if (marker !== undefined) link('previous', shown[0]!.id, !isReverse)
  }
  const items = (isReverse ? shown.toReversed() : shown).map((view) => pick(view, query))
  return { status: 200, body: { [plural]: items, ...(links.length > 0 && { [`${plural}_links`]: links }) } }
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
    if (name === 'fixed_ips') return matchesAddress(view['fixed_ips'], values)
    // A filter on what is no attribute is ignored, as neutron does unless it validates filters.
    if (!Object.hasOwn(view, name)) return true
    return values.some((value) => equals(view[name], value))
  })
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
