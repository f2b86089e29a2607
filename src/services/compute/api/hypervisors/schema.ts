import { Type, type TSchema } from 'typebox'
import { exactly, nullable, since, until } from '../../../../platform/http/answers.ts'
import { bodies } from '../../../../platform/http/schema.ts'
import { number, numberOrUuid, pageLinks, text } from '../answers.ts'
import { boolean, fqdn, looseQuery, nonNegativeInteger, once, paging, strictQuery } from '../parameter-types.ts'

const withServersOnce = { with_servers: once(boolean) }
const listed = {
  limit: once(nonNegativeInteger),
  marker: once(Type.String()),
  hypervisor_hostname_pattern: once(fqdn),
  ...withServersOnce,
}
export const listQuery = bodies(looseQuery(listed), [
  ['initial', looseQuery({})],
  ['hypervisor-paging', looseQuery(paging)],
  ['service-uuid', strictQuery(listed)],
])
export const showQuery = bodies(looseQuery(withServersOnce), [
  ['initial', looseQuery({})],
  ['service-uuid', strictQuery(withServersOnce)],
])

export const bare = {
  id: numberOrUuid,
  hypervisor_hostname: text,
  state: Type.Enum(['up', 'down']),
  status: Type.Enum(['enabled', 'disabled']),
}
export const bareAnswer = exactly(bare)
export const ended = 'hypervisor-without-statistics'
export const amounts = {
  vcpus: until(ended, number),
  vcpus_used: until(ended, number),
  memory_mb: until(ended, number),
  memory_mb_used: until(ended, number),
  free_ram_mb: until(ended, number),
  local_gb: until(ended, number),
  local_gb_used: until(ended, number),
  free_disk_gb: until(ended, number),
  disk_available_least: until(ended, number),
  current_workload: until(ended, number),
  running_vms: until(ended, number),
}
export const namedServers = Type.Optional(Type.Array(exactly({ uuid: text, name: text })))
export const full = exactly({
  ...bare,
  ...amounts,
  host_ip: text,
  hypervisor_type: text,
  hypervisor_version: number,
  service: exactly({ id: numberOrUuid, host: text, disabled_reason: nullable(text) }),
  uptime: since(ended, nullable(text)),
  /** A text before 2.28. */
  cpu_info: until(ended, Type.Unknown()),
  servers: since('service-uuid', namedServers),
})
export const listOf = <H extends TSchema>(hypervisor: H) =>
  exactly({ hypervisors: Type.Array(hypervisor), hypervisors_links: since('hypervisor-paging', pageLinks) })
export const searchAnswer = exactly({ hypervisors: Type.Array(exactly({ ...bare, servers: namedServers })) })
