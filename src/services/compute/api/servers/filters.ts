/** Query parameters of `GET /servers` as a filter of the store. */
import { distinctBy } from '../../../../base/distinct.ts'
import type { Context } from '../../../../platform/auth/context.ts'
import { last, type ApiRequest, type Query } from '../../../../platform/http/route.ts'
import { BadRequest } from '../../errors.ts'
import { statesOf } from '../../model/server.ts'
import type { ServerFilter } from '../../store/server-list.ts'
import type { ServerTable } from '../../store/tables.ts'
import { isTrue } from '../links.ts'
import { timeOf } from '../paging.ts'
import * as policy from './policy.ts'

const sortColumns: Record<string, keyof ServerTable> = {
  access_ip_v4: 'access_ipv4',
  access_ip_v6: 'access_ipv6',
  availability_zone: 'zone',
  config_drive: 'config_drive',
  created_at: 'created_at',
  display_description: 'description',
  display_name: 'name',
  name: 'name',
  host: 'host',
  hostname: 'hostname',
  image_ref: 'image_id',
  instance_type_id: 'flavor_id',
  key_name: 'key_name',
  launch_index: 'launch_index',
  launched_at: 'launched_at',
  locked_by: 'locked_by',
  node: 'node',
  power_state: 'power_state',
  project_id: 'project_id',
  task_state: 'task_state',
  terminated_at: 'terminated_at',
  updated_at: 'updated_at',
  user_id: 'user_id',
  uuid: 'id',
  vm_state: 'vm_state',
}
const adminSort = new Set(['host', 'node'])

/** Filters of everybody and, behind `allow_all_filters`, of admins. */
const contains: Record<string, keyof ServerTable> = {
  name: 'name',
  reservation_id: 'reservation_id',
  ip: 'ports_json',
  ip6: 'ports_json',
}
const equal: Record<string, keyof ServerTable> = {
  image: 'image_id',
  flavor: 'flavor_id',
  uuid: 'id',
  key_name: 'key_name',
  description: 'description',
  user_id: 'user_id',
  availability_zone: 'zone',
  access_ip_v4: 'access_ipv4',
  access_ip_v6: 'access_ipv6',
  power_state: 'power_state',
  task_state: 'task_state',
  vm_state: 'vm_state',
  launch_index: 'launch_index',
}
const adminEqual: Record<string, keyof ServerTable> = { host: 'host', hostname: 'hostname', node: 'node' }
/** Open to everybody from 2.83 on; before that only for admins. */
const openSince283 = [
  'availability_zone',
  'key_name',
  'description',
  'user_id',
  'power_state',
  'task_state',
  'vm_state',
  'launch_index',
  'access_ip_v4',
  'access_ip_v6',
]

export function serverFilter(
  request: Pick<ApiRequest, 'ctx' | 'query' | 'version'>,
  limit: number,
): ServerFilter | null {
  const { ctx, query, version } = request
  const seesAll = ctx.can(policy.allFilters)
  const filter: ServerFilter = {
    projectId: ctx.projectId ?? '',
    isDeleted: seesAll && isTrue(last(query, 'deleted') ?? ''),
    equal: {},
    anyOf: {},
    contains: {},
    sort: sortOf(ctx, query),
    limit,
  }
  const isOpen = (name: string) => seesAll || !openSince283.includes(name) || version.has('server-filters')
  for (const [name, column] of Object.entries(contains)) {
    const value = last(query, name)
    if (value === undefined || (name === 'ip6' && !seesAll && !version.has('server-search-ip6'))) continue
    filter.contains[column] = value.replace(/^\^|\$$/g, '').replaceAll('\\', '')
  }
  for (const [name, column] of Object.entries({ ...equal, ...(seesAll && adminEqual) })) {
    const value = last(query, name)
    if (value !== undefined && isOpen(name)) filter.equal[column] = value
  }
  const changedSince = timeOf(query, 'changes-since')
  const changedBefore = version.has('changes-before') ? timeOf(query, 'changes-before') : undefined
  if (changedSince !== undefined) filter.changedSince = changedSince
  if (changedBefore !== undefined) {
    filter.changedBefore = changedBefore
    if (changedSince !== undefined && changedSince > changedBefore) {
      throw new BadRequest('The value of changes-since must be less than or equal to changes-before.')
    }
  }
  const locked = last(query, 'locked')
  if (locked !== undefined && version.has('server-locked-reason')) filter.isLocked = isTrue(locked)
  if (version.has('server-tags')) addTags(filter, query)
  return addStatus(filter, request)
}

function addTags(filter: ServerFilter, query: Query) {
  const tags = (name: string) => last(query, name)?.split(',')
  const [all, any, notAll, notAny] = [tags('tags'), tags('tags-any'), tags('not-tags'), tags('not-tags-any')]
  if (all) filter.tagsAll = all
  if (any) filter.tagsAny = any
  if (notAll) filter.notTagsAll = notAll
  if (notAny) filter.notTagsAny = notAny
}

/** Null when no server can match. */
function addStatus(
  filter: ServerFilter,
  { ctx, query, version }: Pick<ApiRequest, 'ctx' | 'query' | 'version'>,
): ServerFilter | null {
  const words = Object.hasOwn(query, 'status') ? query['status']! : []
  if (words.length === 0) return filter
  const states = words.map(statesOf)
  if (states.some((each) => each === undefined) && version.has('invalid-status-filter'))
    throw new BadRequest('Invalid status value')
  const vmStates = states.flatMap((each) => each?.vmStates ?? [])
  if (vmStates.length === 0) return null
  if (vmStates.includes('deleted')) {
    if (!ctx.isAdmin) return null
    filter.isDeleted = true
  }
  filter.anyOf['vm_state'] = vmStates
  const tasks = states.flatMap((each) => each?.taskStates ?? [])
  if (tasks.length > 0) filter.anyOf['task_state'] = tasks
  return filter
}

function sortOf(ctx: Context, query: Query): ServerFilter['sort'] {
  const keys = Object.hasOwn(query, 'sort_key') ? query['sort_key']! : []
  const directions = Object.hasOwn(query, 'sort_dir') ? query['sort_dir']! : []
  if (keys.length === 0) return [{ column: 'created_at', isDescending: directions[0] !== 'asc' }]
  const sort = keys.map((key, index) => {
    const column = Object.hasOwn(sortColumns, key) ? sortColumns[key] : undefined
    if (!column) throw new BadRequest(`Sort key supplied is invalid: ${key}`)
    if (adminSort.has(key) && !ctx.isAdmin) throw new BadRequest(`Only administrators can sort servers by ${key}`)
    return { column, isDescending: (directions[index] ?? directions.at(-1) ?? 'desc') !== 'asc' }
  })
  // What is sorted by once is sorted by it; the condition of a marker grows with the square of the keys.
  return distinctBy(sort, (key) => key.column)
}
