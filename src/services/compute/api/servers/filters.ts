/** Query parameters of `GET /servers` as a filter of the store. */
import { distinctBy } from '../../../../base/distinct.ts'
import { LinearRegex } from '../../../../base/linear-regex.ts'
import type { Context } from '../../../../platform/auth/context.ts'
import { last, type ApiRequest, type Query } from '../../../../platform/http/route.ts'
import { Invalid, Forbidden } from '../../errors.ts'
import { statesOf, type Server } from '../../model/server.ts'
import type { ServerFilter } from '../../store/server-list.ts'
import type { ServerTable } from '../../store/tables.ts'
import { isTrue } from '../links.ts'
import { flagOf, timeOf } from '../paging.ts'
import * as policy from './policy.ts'
import { ignoredSortKeys, joinedParameters } from './query.ts'

type Request = Pick<ApiRequest, 'ctx' | 'query' | 'version'>

/** Sort keys by column; null where every server has the same. */
const sortColumns: Record<string, keyof ServerTable | null> = {
  access_ip_v4: 'access_ipv4',
  access_ip_v6: 'access_ipv6',
  auto_disk_config: 'auto_disk_config',
  availability_zone: 'zone',
  config_drive: 'config_drive',
  created_at: 'created_at',
  display_description: 'description',
  display_name: 'name',
  host: 'host',
  hostname: 'hostname',
  image_ref: 'image_id',
  instance_type_id: 'flavor_id',
  kernel_id: null,
  key_name: 'key_name',
  launch_index: 'launch_index',
  launched_at: 'launched_at',
  locked: 'locked_by',
  locked_by: 'locked_by',
  node: 'node',
  power_state: 'power_state',
  progress: null,
  project_id: 'project_id',
  ramdisk_id: null,
  root_device_name: null,
  task_state: 'task_state',
  terminated_at: 'terminated_at',
  updated_at: 'updated_at',
  user_id: 'user_id',
  uuid: 'id',
  vm_state: 'vm_state',
}
const adminSort = new Set(['host', 'node'])

/** Filters whose value must be the server's. */
const equal: Record<string, keyof ServerTable> = {
  image: 'image_id',
  image_ref: 'image_id',
  flavor: 'flavor_id',
  uuid: 'id',
  user_id: 'user_id',
  task_state: 'task_state',
  vm_state: 'vm_state',
  host: 'host',
}

const timeText = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString().slice(0, 19).replace('T', ' '))
const addresses = ({ ports }: Server, version: 4 | 6) =>
  ports.flatMap(({ fixedIps }) => fixedIps.filter((ip) => ip.version === version).map(({ address }) => address))

/** Filters that are regular expressions, by the texts that they look at. */
const patterns: Record<string, (server: Server) => string | readonly string[] | null> = {
  name: ({ name }) => name,
  display_name: ({ name }) => name,
  description: ({ description }) => description,
  display_description: ({ description }) => description,
  reservation_id: ({ reservationId }) => reservationId,
  ip: (server) => addresses(server, 4),
  ip6: (server) => addresses(server, 6),
  hostname: ({ hostname }) => hostname,
  key_name: ({ keyName }) => keyName,
  power_state: ({ powerState }) => String(powerState),
  node: ({ node }) => node,
  launch_index: ({ launchIndex }) => String(launchIndex),
  created_at: ({ createdAt }) => timeText(createdAt),
  launched_at: ({ launchedAt }) => timeText(launchedAt),
  terminated_at: ({ terminatedAt }) => timeText(terminatedAt),
  availability_zone: ({ zone }) => zone,
  locked_by: ({ lockedBy }) => lockedBy,
  config_drive: ({ hasConfigDrive }) => (hasConfigDrive ? 'True' : ''),
  auto_disk_config: ({ hasAutoDisk }) => (hasAutoDisk ? '1' : '0'),
  access_ip_v4: ({ accessIpv4 }) => accessIpv4,
  access_ip_v6: ({ accessIpv6 }) => accessIpv6,
  root_device_name: () => '/dev/vda',
  progress: () => '0',
  kernel_id: () => '',
  ramdisk_id: () => '',
}

const forEverybody = ['reservation_id', 'name', 'image', 'flavor', 'ip']
/** Those that members may use, by the change that gave them; admins may use all. */
const forMembersSince: Record<string, string> = {
  ip6: 'server-search-ip6',
  availability_zone: 'server-filters',
  config_drive: 'server-filters',
  key_name: 'server-filters',
  created_at: 'server-filters',
  launched_at: 'server-filters',
  terminated_at: 'server-filters',
  power_state: 'server-filters',
  task_state: 'server-filters',
  vm_state: 'server-filters',
  progress: 'server-filters',
  user_id: 'server-filters',
  hostname: 'server-hostname',
}

/** Null when no server can match. Throws 400 on what is no filter. */
export function serverFilter(request: Request, limit: number): ServerFilter | null {
  const { ctx, query, version } = request
  const seesAll = ctx.can(policy.allFilters)
  if (seesAll) refuseJoined(query)
  const isOpen = (name: string) => {
    const since = forMembersSince[name]
    return seesAll || forEverybody.includes(name) || (since !== undefined && version.has(since))
  }
  const filter: ServerFilter = {
    projectId: ctx.projectId ?? '',
    isDeleted: seesAll && isTrue(last(query, 'deleted') ?? ''),
    equal: {},
    anyOf: {},
    sort: sortOf(ctx, query),
    limit,
  }
  for (const [name, column] of Object.entries(equal)) {
    const value = last(query, name)
    if (value !== undefined && isOpen(name)) filter.equal[column] = value
  }
  addPatterns(filter, query, isOpen)
  addTimes(filter, request)
  const locked = version.has('server-locked-reason') ? flagOf(query, 'locked') : undefined
  if (locked !== undefined) filter.isLocked = locked
  if (version.has('server-tags')) addTags(filter, query)
  return addStatus(filter, request)
}

function refuseJoined(query: Query): void {
  const wrong = Object.keys(query).find((name) => name.startsWith('_') || joinedParameters.includes(name))
  if (wrong !== undefined) throw new Invalid(`Invalid filter field: ${wrong}.`)
}

function addPatterns(filter: ServerFilter, query: Query, isOpen: (name: string) => boolean): void {
  const tests = Object.entries(patterns).flatMap(([name, textOf]) => {
    const value = last(query, name)
    if (value === undefined || !isOpen(name)) return []
    const pattern = compile(name, value)
    return (server: Server) => [textOf(server) ?? []].flat().some((text) => pattern.test(text))
  })
  if (tests.length > 0) filter.matches = (server) => tests.every((test) => test(server))
}

function compile(name: string, value: string): LinearRegex {
  try {
    return new LinearRegex(value)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : ''
    throw new Invalid(`Invalid input for query parameters ${name}. '${value}' is not a 'regex': ${why}`, { cause })
  }
}

function addTimes(filter: ServerFilter, { query, version }: Request): void {
  const changedSince = timeOf(query, 'changes-since')
  const changedBefore = version.has('changes-before') ? timeOf(query, 'changes-before') : undefined
  if (changedSince !== undefined) filter.changedSince = changedSince
  if (changedBefore !== undefined) filter.changedBefore = changedBefore
  if (changedSince !== undefined && changedBefore !== undefined && changedSince > changedBefore)
    throw new Invalid('The value of changes-since must be less than or equal to changes-before.')
}

function addTags(filter: ServerFilter, query: Query) {
  const tags = (name: string) => last(query, name)?.split(',')
  const [all, any, notAll, notAny] = [tags('tags'), tags('tags-any'), tags('not-tags'), tags('not-tags-any')]
  if (all) filter.tagsAll = all
  if (any) filter.tagsAny = any
  if (notAll) filter.notTagsAll = notAll
  if (notAny) filter.notTagsAny = notAny
}

function addStatus(filter: ServerFilter, { ctx, query, version }: Request): ServerFilter | null {
  const words = Object.hasOwn(query, 'status') ? query['status']! : []
  if (words.length === 0) return filter
  const states = words.map(statesOf)
  const vmStates = states.flatMap((each) => each?.vmStates ?? [])
  if (vmStates.length === 0) {
    if (version.has('invalid-status-filter')) throw new Invalid('Invalid status value')
    return null
  }
  if (vmStates.every((state) => state === 'deleted')) {
    if (!ctx.isAdmin) throw new Forbidden('Only administrators may list deleted instances')
    filter.isDeleted = true
  }
  delete filter.equal['vm_state']
  filter.anyOf['vm_state'] = vmStates
  const tasks = states.flatMap((each) => each?.taskStates ?? [])
  if (tasks.length > 0) filter.anyOf['task_state'] = tasks
  return filter
}

function sortOf(ctx: Context, query: Query): ServerFilter['sort'] {
  const asked = Object.hasOwn(query, 'sort_key') ? query['sort_key']! : []
  const directions = Object.hasOwn(query, 'sort_dir') ? query['sort_dir']! : []
  const wrong = directions.find((each) => each !== 'asc' && each !== 'desc')
  if (wrong !== undefined) throw new Invalid(`Unknown sort direction, must be 'desc' or 'asc', not '${wrong}'`)
  const keys = asked.length === 0 ? ['created_at'] : asked
  if (directions.length > keys.length) throw new Invalid('Sort direction size exceeds sort key size')
  const sort = keys.flatMap((key, index) => {
    if (adminSort.has(key) && !ctx.isAdmin) throw new Forbidden(`Only administrators can sort servers by ${key}`)
    const column = ignoredSortKeys.includes(key) ? null : sortColumns[key]
    return column ? [{ column, isDescending: (directions[index] ?? directions.at(-1) ?? 'desc') !== 'asc' }] : []
  })
  // What is sorted by once is sorted by it; the condition of a marker grows with the square of the keys.
  return distinctBy(sort, (key) => key.column)
}
