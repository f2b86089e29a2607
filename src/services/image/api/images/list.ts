import { last, type Query } from '../../../../platform/http/route.ts'
import type { Context } from '../../../../platform/auth/context.ts'
import type { ImageDeps } from '../../deps.ts'
import { InvalidImage } from '../../errors.ts'
import { findImage, type ImageRow, type ListRequest } from '../../store/images.ts'

const columns: Record<string, keyof ImageRow> = {
  id: 'id',
  name: 'name',
  status: 'status',
  disk_format: 'disk_format',
  container_format: 'container_format',
  owner: 'owner',
  checksum: 'checksum',
  size: 'size',
  min_ram: 'min_ram',
  min_disk: 'min_disk',
  os_hash_value: 'hash_value',
}
const sortable: Record<string, keyof ImageRow> = { ...columns, created_at: 'created_at', updated_at: 'updated_at' }
const own = [
  'limit',
  'marker',
  'sort',
  'sort_key',
  'sort_dir',
  'visibility',
  'member_status',
  'tag',
  'os_hidden',
  'protected',
  'size_min',
  'size_max',
]
const operators = { eq: '=', neq: '!=', lt: '<', lte: '<=', gt: '>', gte: '>=' } as const

/** Reads filters, sorting and paging of GET /v2/images. Throws InvalidImage (400). */
export async function parseListing(ctx: Context, { database, config }: ImageDeps, query: Query): Promise<ListRequest> {
  const one = (name: string) => last(query, name)
  const visibility = one('visibility')
  if (visibility !== undefined && !['public', 'private', 'community', 'shared', 'all'].includes(visibility))
    throw new InvalidImage(`Invalid visibility value: ${visibility}`)
  const memberStatus = one('member_status') ?? 'accepted'
  if (!['pending', 'accepted', 'rejected', 'all'].includes(memberStatus))
    throw new InvalidImage(`Invalid status: ${memberStatus}`)
  const request: ListRequest = {
    projectId: ctx.isAdmin ? null : (ctx.projectId ?? ''),
    visibility,
    memberStatus,
    isHidden: one('os_hidden') === 'true',
    equals: [],
    compare: [],
    properties: [],
    tags: query['tag'] ?? [],
    sort: parseSort(query),
    marker: undefined,
    limit: parseLimit(one('limit'), config),
  }
  const equals = [...request.equals]
  const compare = [...request.compare]
  const properties = [...request.properties]
  for (const name of Object.keys(query)) {
    const value = one(name)!
    if (name === 'created_at' || name === 'updated_at') compare.push(parseTime(name, value))
    else if (name === 'size_min' || name === 'size_max')
      compare.push({ column: 'size', operator: name === 'size_min' ? '>=' : '<=', value: parseNumber(name, value) })
    else if (name === 'protected') equals.push({ column: 'is_protected', values: [parseBoolean(name, value)] })
    else if (name === 'os_hidden') parseBoolean(name, value)
    else if (Object.hasOwn(columns, name))
      equals.push({ column: columns[name]!, values: value.startsWith('in:') ? splitList(value.slice(3)) : [value] })
    else if (!own.includes(name)) properties.push({ name, value })
  }
  const marker = one('marker')
  const markerRow = marker === undefined ? undefined : await findImage(database.db, marker)
  if (marker !== undefined && !markerRow) throw new InvalidImage('Invalid marker. Image could not be found.')
  return { ...request, equals, compare, properties, marker: markerRow }
}

function parseLimit(text: string | undefined, { limitDefault, limitMax }: ImageDeps['config']): number {
  if (text === undefined) return limitDefault
  if (!/^\d+$/.test(text)) throw new InvalidImage('limit param must be an integer')
  return Math.min(Number(text), limitMax)
}

/** `sort=name:asc,status` or repeated sort_key with sort_dir; id makes the order total. */
function parseSort(query: Query): ListRequest['sort'] {
  const sort = last(query, 'sort')
  const pairs: [string, string | undefined][] =
    sort === undefined
      ? (query['sort_key'] ?? ['created_at']).map((key, index) => [
          key,
          (query['sort_dir'] ?? [])[index] ?? (query['sort_dir'] ?? [])[0],
        ])
      : sort.split(',').map((part) => part.trim().split(':') as [string, string | undefined])
  const keys = pairs.map(([key, direction = 'desc']) => {
    if (!Object.hasOwn(sortable, key))
      throw new InvalidImage(
        `Invalid sort key: ${key}. It must be one of the following: ${Object.keys(sortable).join(', ')}.`,
      )
    if (direction !== 'asc' && direction !== 'desc') throw new InvalidImage(`Invalid sort direction: ${direction}`)
    return { column: sortable[key]!, direction: direction as 'asc' | 'desc' }
  })
  const direction = keys.at(-1)?.direction ?? 'desc'
  for (const column of ['created_at', 'id'] as const)
    if (!keys.some((key) => key.column === column)) keys.push({ column, direction })
  return keys
}

/** A list in which values may be quoted: `a,"b,c"`. */
const splitList = (text: string): string[] =>
  [...text.matchAll(/"([^"]*)"|([^,]+)/g)].map((match) => match[1] ?? match[2]!)

function parseTime(column: 'created_at' | 'updated_at', text: string): ListRequest['compare'][number] {
  const match = /^(eq|neq|lt|lte|gt|gte):(.+)$/.exec(text)
  const value = Date.parse(match?.[2] ?? text)
  if (Number.isNaN(value)) throw new InvalidImage(`Invalid time format: ${text}`)
  return { column, operator: operators[(match?.[1] ?? 'eq') as keyof typeof operators], value }
}

function parseNumber(name: string, text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidImage(`Invalid value for ${name}: ${text}`)
  return Number(text)
}

function parseBoolean(name: string, text: string): number {
  if (!/^(true|false)$/i.test(text))
    throw new InvalidImage(`Invalid value for ${name}: ${text}, expected true or false`)
  return /^true$/i.test(text) ? 1 : 0
}
