import type { Shown } from '../../../../platform/http/answers.ts'
import type { ApiVersion } from '../../../../platform/http/versions.ts'
import type { ComputeDeps } from '../../deps.ts'
import { isUp, type Host } from '../../model/host.ts'
import type { HostUsage } from '../../store/hosts.ts'
import type { bareAnswer, full } from './schema.ts'

/** Of a host without servers. */
export const none: HostUsage = { servers: 0, vcpus: 0, memoryMb: 0, diskGb: 0 }

export const briefly = (host: Host, version: ApiVersion, { config }: ComputeDeps): Shown<typeof bareAnswer> => ({
  id: version.has('service-uuid') ? host.id : host.seq,
  hypervisor_hostname: host.report.hypervisorHostname,
  state: isUp(host.service, config.serviceDownTime) ? 'up' : 'down',
  status: host.service.isDisabled ? 'disabled' : 'enabled',
})

export function detailed(
  host: Host,
  version: ApiVersion,
  deps: ComputeDeps,
  use: HostUsage,
  up: string | null = null,
): Shown<typeof full> {
  const { report, service } = host
  const reserved = deps.config.reservedMemoryMb
  return {
    ...briefly(host, version, deps),
    host_ip: report.hostIp,
    hypervisor_type: report.hypervisorType,
    hypervisor_version: report.hypervisorVersion,
    service: {
      id: version.has('service-uuid') ? service.id : service.seq,
      host: service.host,
      disabled_reason: service.disabledReason,
    },
    ...(version.has('hypervisor-without-statistics')
      ? { uptime: up }
      : {
          cpu_info: version.has('hypervisor-cpu-info') ? cpuInfo(report.cpuInfo) : report.cpuInfo,
          vcpus: report.vcpus,
          vcpus_used: use.vcpus,
          memory_mb: report.memoryMb,
          memory_mb_used: use.memoryMb + reserved,
          free_ram_mb: report.memoryMb - use.memoryMb - reserved,
          local_gb: report.diskGb,
          local_gb_used: use.diskGb,
          free_disk_gb: report.diskGb - use.diskGb,
          disk_available_least: report.diskGb - use.diskGb,
          current_workload: 0,
          running_vms: use.servers,
        }),
  }
}

function cpuInfo(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return {} // an agent without details says nothing that is JSON
  }
}
