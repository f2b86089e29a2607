/** What all of neutron's collections share: filters, sorting, paging, `fields`. */
import { last, type ApiRequest, type Query } from '../../../../platform/http/route.ts'
import { badRequest, invalidInput } from '../../errors.ts'
import { formatAddress, parseAddress } from '../../model/address.ts'
import { canonicalMacOf } from '../../model/mac.ts'
import { isTrue } from './schema.ts'

export type View = Record<string, unknown> & { id: string }

const own = ['fields', 'limit', 'marker', 'sort_key', 'sort_dir', 'page_reverse']
const tagFilters = ['tags', 'tags-any', 'not-tags', 'not-tags-any']
/** Filters that every collection with a revision has. */
const common = ['id', 'name', 'description', 'project_id', 'tenant_id', 'revision_number', 'changed_since']
const unsortable = ['fixed_ips', 'security_groups', 'changed_since', ...tagFilters]

/** The names that a collection may be filtered by. */
export const filtersOf = (...names: string[]): readonly string[] => [...common, ...names]
export const withTagFilters = (...names: string[]): readonly string[] => [...common, ...tagFilters, ...names]

/** Throws 400 on filters and sort keys that the collection does not have. */
export function requireKnown(query: Query, filters: readonly string[]): void {
  const unknown = Object.keys(query).filter((name) => !own.includes(name) && !filters.includes(name))
  if (unknown.length > 0)
    throw badRequest('HTTPBadRequest', `['${unknown.join("', '")}'] is invalid attribute for filtering`)
  const keys = (query['sort_key'] ?? []).filter((key) => key !== '')
  const directions = (query['sort_dir'] ?? []).filter((direction) => direction !== '')
  if (keys.length !== directions.length)
    throw badRequest('HTTPBadRequest', 'The number of sort_keys and sort_dirs must be same')
  const wrong = keys.filter((key) => unsortable.includes(key) || !filters.includes(key))
  if (wrong.length > 0)
    throw badRequest('HTTPBadRequest', `['${wrong.join("', '")}'] is invalid attribute for sort_keys`)
  const invalid = directions.filter((each) => each !== 'asc' && each !== 'desc')
  if (invalid.length > 0)
    throw badRequest(
      'HTTPBadRequest',
      `['${invalid.join("', '")}'] is invalid value for sort_dirs, valid value is 'asc' and 'desc'`,
    )
}

/** The page of a collection that the query asks for. */
export function page(
  plural: string,
  views: readonly View[],
  request: Pick<ApiRequest, 'query' | 'baseUrl' | 'url'>,
  key = 'id',
): Page {
  const { items, links } = cut(plural, views, request, key)
  return pageOf(plural, items, links, request.query)
}

interface Link {
  rel: 'next' | 'previous'
  href: string
}

/** The answer to a list: its resources under their plural, and the links beside them. */
export interface Page {
  status: 200
  body: Record<string, readonly object[]>
}

export const pageOf = (plural: string, items: readonly View[], links: readonly Link[], query: Query): Page => ({
  status: 200,
  body: {
    [plural]: items.map((view) => pick(view, query)),
    ...(links.length > 0 && { [`${plural}_links`]: links }),
  },
})

/** Which part of a list is asked for. */
export interface Paging {
  /** Infinity for all. */
  limit: number
  /** What it begins behind. */
  marker: string | undefined
  isReverse: boolean
}

export function pagingOf(query: Query): Paging {
  const limit = limitOf(query)
  return {
    limit,
    marker: limit === Infinity ? undefined : last(query, 'marker'),
    isReverse: /^true$/i.test(last(query, 'page_reverse') ?? ''),
  }
}

export const unknownMarker = (plural: string, marker: string) =>
  badRequest('BadRequest', `Bad ${plural} request: The resource marked by '${marker}' could not be found.`)

/** The pages beside one with a limit. As neutron does it: a full page has a next one, which may be empty. */
export function linksOf(
  { baseUrl, url }: Pick<ApiRequest, 'baseUrl' | 'url'>,
  { limit, isReverse }: Paging,
  items: readonly Readonly<Record<string, unknown>>[],
  key = 'id',
): Link[] {
  const link = (rel: Link['rel'], at: Readonly<Record<string, unknown>> | undefined, reverse: boolean): Link => {
    const target = new URL(baseUrl + url)
    target.searchParams.delete('marker')
    target.searchParams.delete('page_reverse')
    if (at) target.searchParams.set('marker', String(at[key]))
    if (reverse) target.searchParams.set('page_reverse', 'True')
    return { rel, href: target.toString() }
  }
  const links: Link[] = []
  if (limit === Infinity) return links
  const isFull = items.length >= limit
  if (isReverse || isFull) links.push(link('next', items.at(-1), false))
  if (!isReverse || isFull) links.push(link('previous', items[0], true))
  return links
}

/** Filters, sorts and cuts what the database cannot. */
export function cut(
  plural: string,
  views: readonly View[],
  request: Pick<ApiRequest, 'query' | 'baseUrl' | 'url'>,
  key = 'id',
): { items: View[]; links: Link[] } {
  const query = canonicalFilters(request.query)
  const sorted = sort(
    views.filter((view) => matches(view, query)),
    query,
    key,
  )
  const paging = pagingOf(query)
  const { limit, marker, isReverse } = paging
  const ordered = isReverse ? sorted.toReversed() : sorted
  const from = marker === undefined ? 0 : ordered.findIndex((view) => view[key] === marker) + 1
  if (marker !== undefined && from === 0) throw unknownMarker(plural, marker)
  const shown = ordered.slice(from, from + limit)
  const items = isReverse ? shown.toReversed() : shown
  return { items, links: linksOf(request, paging, items, key) }
}

/** Whether these names are all that the query filters and sorts by. */
export const asksOnlyOf = (query: Query, names: readonly string[]): boolean =>
  Object.keys(query).every((name) => own.includes(name) || names.includes(name)) &&
  (query['sort_key'] ?? []).every((key) => key === '' || names.includes(key))

/** 0 is no limit, as in neutron. */
function limitOf(query: Query): number {
  const text = last(query, 'limit')
  if (text === undefined) return Infinity
  if (!/^\d{1,9}$/.test(text))
    throw badRequest('BadRequest', `Bad limit request: Limit must be an integer 0 or greater and not '${text}'.`)
  return Number(text) || Infinity
}

/** Only the attributes named by `fields`. */
export function pick(view: Record<string, unknown>, query: Query): object {
  const fields = query['fields']?.filter((name) => name !== '') ?? []
  if (fields.length === 0) return view
  return Object.fromEntries(Object.entries(view).filter(([name]) => fields.includes(name)))
}

const address = (text: string): string => {
  const found = parseAddress(text)
  return found ? formatAddress(found.version, found.value) : text
}
const network = (text: string): string => {
  const [head = '', ...length] = text.split('/')
  return [address(head), ...length].join('/')
}
const lower = (text: string): string => text.toLowerCase()
/** As the attributes of the same names are kept. */
const forms: Readonly<Record<string, (text: string) => string>> = {
  mac_address: (text) => canonicalMacOf(text) ?? text,
  gateway_ip: address,
  floating_ip_address: address,
  fixed_ip_address: address,
  fixed_ips: (text) => text.replace(/(?<=(?:^|,)ip_address=)[^,]*/g, address),
  cidr: network,
  remote_ip_prefix: network,
  ethertype: (text) => (/^ipv[46]$/i.test(text) ? `IPv${text.at(-1)}` : text),
  protocol: lower,
  dns_name: lower,
}

/** Filters in the form that values are kept in, however they were written. */
export const canonicalFilters = (query: Query): Query =>
  Object.fromEntries(
    Object.entries(query).map(([name, values = []]) => {
      const form = Object.hasOwn(forms, name) ? forms[name] : undefined
      return [name, form ? values.map(form) : values]
    }),
  )

function matches(view: Readonly<Record<string, unknown>>, query: Query): boolean {
  return Object.entries(query).every(([name, values = []]) => {
    if (own.includes(name)) return true
    if (tagFilters.includes(name)) return matchesTags((view['tags'] ?? []) as string[], name, values)
    if (name === 'fixed_ips') return matchesAddress(view['fixed_ips'], values)
    if (name === 'changed_since') return values.every((value) => isSince(view, value))
    return values.some((value) => equals(view[name], value))
  })
}

function isSince(view: Readonly<Record<string, unknown>>, text: string): boolean {
  const since = Date.parse(text)
  if (Number.isNaN(since))
    throw invalidInput('The input to changed_since must be in the following format: yyyy-mm-ddTHH:MM:SS')
  return Date.parse(String(view['updated_at'])) >= since
}

/** `tags` wants all of them, `tags-any` one; `not-` turns the answer round. */
function matchesTags(actual: readonly string[], filter: string, values: readonly string[]): boolean {
  const wanted = values.flatMap((value) => value.split(','))
  const hits = wanted.filter((tag) => actual.includes(tag)).length
  const isMet = filter.endsWith('-any') ? hits > 0 : hits === wanted.length
  return filter.startsWith('not-') ? !isMet : isMet
}

function equals(actual: unknown, wanted: string): boolean {
  if (typeof actual === 'boolean') return actual === isTrue(wanted)
  if (Array.isArray(actual)) return actual.some((each) => equals(each, wanted))
  return String(actual ?? '') === wanted
}

/** `fixed_ips=ip_address=10.0.0.3`, `subnet_id=…`, `ip_address_substr=…`: each kind must be met by one of its values. */
function matchesAddress(actual: unknown, wanted: readonly string[]): boolean {
  const addresses = (actual ?? []) as Record<string, string>[]
  const pairs = wanted.flatMap((text) => text.split(',')).map((text) => text.split('=') as [string, string?])
  return [...Map.groupBy(pairs, ([key]) => key)].every(([key, values]) =>
    values.some(([, value = '']) =>
      addresses.some((address) =>
        key === 'ip_address_substr' ? (address['ip_address'] ?? '').includes(value) : address[key] === value,
      ),
    ),
  )
}

const order = (a: unknown, b: unknown): number => {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  const [left, right] = [String(a ?? ''), String(b ?? '')]
  return left < right ? -1 : left > right ? 1 : 0
}

function sort(views: readonly View[], query: Query, key: string): View[] {
  const keys = (query['sort_key'] ?? []).filter((each) => each !== '')
  const directions = (query['sort_dir'] ?? []).filter((each) => each !== '')
  return views.toSorted((a, b) => {
    for (const [index, each] of keys.entries()) {
      const found = order(a[each], b[each]) * (directions[index] === 'desc' ? -1 : 1)
      if (found !== 0) return found
    }
    return order(a[key], b[key])
  })
}

export const timeText = (ms: number): string => `${new Date(Number(ms)).toISOString().slice(0, 19)}Z`

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
  created_at: timeText(row.created_at),
  updated_at: timeText(row.updated_at),
  revision_number: Number(row.revision),
})
