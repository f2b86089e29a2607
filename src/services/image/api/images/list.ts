import { distinctBy } from '../../../../base/distinct.ts'
import type { Context } from '../../../../platform/auth/context.ts'
import { last, type Query } from '../../../../platform/http/route.ts'
import type { ImageDeps } from '../../deps.ts'
import { InvalidImage } from '../../errors.ts'
import type { ImageRow } from '../../store/images.ts'
import type { ListRequest } from '../../store/list-images.ts'
import { visible } from '../access.ts'

/** Filters by equality. */
const columns: Record<string, keyof ImageRow> = {
  owner: 'owner',
  checksum: 'checksum',
  size: 'size',
  virtual_size: 'virtual_size',
  min_ram: 'min_ram',
  min_disk: 'min_disk',
  os_hash_value: 'hash_value',
  os_hash_algo: 'hash_algo',
}
/** Filters that know `in:` and `eq:`. */
const listColumns = ['id', 'name', 'status', 'disk_format', 'container_format'] as const
const sortable = [
  'name',
  'status',
  'container_format',
  'disk_format',
  'size',
  'id',
  'created_at',
  'updated_at',
] as const
const ranges: Record<string, 'size' | 'min_ram' | 'min_disk'> = {
  size: 'size',
  min_ram: 'min_ram',
  min_disk: 'min_disk',
}
const notFilters = [
  'limit',
  'marker',
  'sort',
  'sort_key',
  'sort_dir',
  'visibility',
  'member_status',
  'tag',
  'os_hidden',
]
const operators = { eq: '=', neq: '!=', lt: '<', lte: '<=', gt: '>', gte: '>=' } as const

/** Reads filters, sorting and paging of GET /v2/images. Throws InvalidImage (400). */
export async function parseListing(ctx: Context, deps: ImageDeps, query: Query): Promise<ListRequest> {
  const one = (name: string) => last(query, name)
  const visibility = one('visibility')
  if (visibility !== undefined && !['public', 'private', 'community', 'shared', 'all'].includes(visibility))
    throw new InvalidImage(`Invalid visibility value: ${visibility}`)
  const memberStatus = one('member_status') ?? 'accepted'
  if (!['pending', 'accepted', 'rejected', 'all'].includes(memberStatus))
    throw new InvalidImage(`Invalid status: ${memberStatus}`)
  if (one('changes-since') !== undefined)
    throw new InvalidImage('The "changes-since" filter is no longer available on v2.')
  const filters = parseFilters(query)
  return {
    projectId: ctx.projectId ?? '',
    isAdmin: ctx.isAdmin,
    visibility,
    memberStatus,
    isHidden: parseBoolean('os_hidden', (one('os_hidden') ?? 'false').toLowerCase()) === 1,
    ...filters,
    tags: (query['tag'] ?? []).map((tag) => tag.trim()),
    sort: parseSort(query),
    marker: await findMarker(ctx, deps, one('marker')),
    limit: parseLimit(one('limit'), deps.config),
  }
}

async function findMarker(ctx: Context, deps: ImageDeps, marker: string | undefined): Promise<ImageRow | undefined> {
  if (marker === undefined) return undefined
  try {
    return (await visible(ctx, deps, marker)).image
  } catch (cause) {
    throw new InvalidImage('Invalid marker. Image could not be found.', { cause })
  }
}

function parseFilters(query: Query): Pick<ListRequest, 'equals' | 'compare' | 'properties'> {
  const equals: ListRequest['equals'][number][] = []
  const compare: ListRequest['compare'][number][] = []
  const properties: ListRequest['properties'][number][] = []
  for (const name of Object.keys(query)) {
    const value = last(query, name)!
    const range = /^(.*)_(min|max)$/.exec(name)
    if (notFilters.includes(name)) continue
    if (name === 'created_at' || name === 'updated_at') compare.push(parseTime(name, value))
    else if (range && Object.hasOwn(ranges, range[1]!)) {
      if (!/^-?\d+$/.test(value)) throw new InvalidImage('Unable to filter on a range with a non-numeric value.')
      const operator = range[2] === 'min' ? '>=' : '<='
      compare.push({ column: ranges[range[1]!]!, operator, value: clamp(Number(value)) })
    } else if (name === 'protected') equals.push({ column: 'is_protected', values: [parseBoolean(name, value)] })
    else if ((listColumns as readonly string[]).includes(name))
      equals.push({ column: name as keyof ImageRow, values: parseList(value) })
    else if (Object.hasOwn(columns, name)) equals.push({ column: columns[name]!, values: [value] })
    else properties.push({ name, value })
  }
  return { equals, compare, properties }
}

/** No database has a name for infinity. */
const clamp = (value: number) => Math.max(Math.min(value, Number.MAX_SAFE_INTEGER), -Number.MAX_SAFE_INTEGER)

export function parseLimit(
  text: string | undefined,
  { limitDefault, limitMax }: Pick<ImageDeps['config'], 'limitDefault' | 'limitMax'>,
): number {
  if (text === undefined) return limitDefault
  if (!/^[-+]?\d+$/.test(text.trim())) throw new InvalidImage('limit param must be an integer')
  if (Number(text) < 0) throw new InvalidImage('limit param must be positive')
  return Math.min(Number(text), limitMax)
}

/** `sort=name:asc,status`, or repeated sort_key with one sort_dir for all or one for each; created_at and id follow. */
function parseSort(query: Query): ListRequest['sort'] {
  const pairs = last(query, 'sort') === undefined ? classicSort(query) : newSort(query)
  const all = pairs.map(([key, direction]) => {
    if (!(sortable as readonly string[]).includes(key))
      throw new InvalidImage(`Invalid sort key: ${key}. It must be one of the following: ${sortable.join(', ')}.`)
    if (direction !== 'asc' && direction !== 'desc') throw new InvalidImage(`Invalid sort direction: ${direction}`)
    return { column: key as keyof ImageRow, direction: direction as 'asc' | 'desc' }
  })
  // What is sorted by once is sorted by it; the condition of a marker grows with the square of the keys.
  const keys = distinctBy(all, (key) => key.column)
  const direction = keys.length === 1 ? keys[0]!.direction : 'desc'
  for (const column of ['created_at', 'id'] as const)
    if (!keys.some((key) => key.column === column)) keys.push({ column, direction })
  return keys
}

function newSort(query: Query): [string, string][] {
  if (query['sort_key'] || query['sort_dir']) throw new InvalidImage('Old and new sorting syntax cannot be combined')
  return last(query, 'sort')!
    .trim()
    .split(',')
    .map((part) => {
      const [key = '', direction = ''] = part.split(':')
      return [key.trim(), direction.trim() || 'desc']
    })
}

function classicSort(query: Query): [string, string][] {
  const keys = (query['sort_key'] ?? []).map((key) => key.trim())
  const directions = (query['sort_dir'] ?? []).map((direction) => direction.trim())
  if (directions.length > 1 && directions.length !== keys.length)
    throw new InvalidImage('Number of sort dirs does not match the number of sort keys')
  return (keys.length === 0 ? ['created_at'] : keys).map((key, index) => [
    key,
    directions[index] ?? directions[0] ?? 'desc',
  ])
}

/** `value`, `eq:value` or `in:a,"b,c"`. */
function parseList(text: string): string[] {
  const colon = text.indexOf(':')
  if (colon < 0 || !Number.isNaN(isoTime(text))) return [text]
  const operator = text.slice(0, colon)
  const rest = text.slice(colon + 1)
  if (operator === 'eq') return [rest]
  if (operator === 'in') return splitQuoted(rest)
  throw new InvalidImage(`Unable to filter by unknown operator '${operator}'.`)
}

/** A list in which values may be quoted; within quotes a backslash takes the next character as it is. */
function splitQuoted(text: string): string[] {
  const values: string[] = []
  let at = 0
  while (at < text.length) {
    if (text[at] !== '"') {
      const comma = text.indexOf(',', at)
      const end = comma < 0 ? text.length : comma
      const value = text.slice(at, end)
      if (value.includes('"'))
        throw new InvalidImage(`Invalid filter value ${text}. There is no comma before opening quotation mark.`)
      values.push(value)
      at = end + 1
      continue
    }
    let end = at + 1
    while (end < text.length && text[end] !== '"') end += text[end] === '\\' ? 2 : 1
    if (end >= text.length) throw new InvalidImage(`Invalid filter value ${text}. The quote is not closed.`)
    if (end + 1 < text.length && text[end + 1] !== ',')
      throw new InvalidImage(`Invalid filter value ${text}. There is no comma after closing quotation mark.`)
    values.push(text.slice(at + 1, end))
    at = end + 2
  }
  return values.length === 0 ? [''] : values
}

const isoForm = /^\d{4}-?\d{2}-?\d{2}([T ]\d{2}:?\d{2}(:?\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/

/** Milliseconds of an ISO 8601 time, UTC unless it says otherwise; NaN for anything else. */
function isoTime(text: string): number {
  if (!isoForm.test(text)) return NaN
  return Date.parse(
    /(Z|[+-]\d{2}:?\d{2})$/.test(text) && text.includes(':') ? text : text.includes(':') ? `${text}Z` : text,
  )
}

function parseTime(column: 'created_at' | 'updated_at', text: string): ListRequest['compare'][number] {
  const plain = isoTime(text)
  const colon = text.indexOf(':')
  const [operator, time] =
    !Number.isNaN(plain) || colon < 0 ? ['eq', text] : [text.slice(0, colon), text.slice(colon + 1)]
  const value = isoTime(time)
  if (Number.isNaN(value))
    throw new InvalidImage(`Bad "${column}" query filter format. Use ISO 8601 DateTime notation.`)
  if (!Object.hasOwn(operators, operator)) throw new InvalidImage('Unable to filter on a unknown operator.')
  return { column, operator: operators[operator as keyof typeof operators], value }
}

function parseBoolean(name: string, text: string): number {
  if (text !== 'true' && text !== 'false')
    throw new InvalidImage(`Invalid value '${text}' for '${name}' filter. Valid values are 'true' or 'false'.`)
  return text === 'true' ? 1 : 0
}
