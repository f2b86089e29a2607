import { createHash } from 'node:crypto'
import type { Shown } from '../../../../platform/http/answers.ts'
import type { ApiVersion } from '../../../../platform/http/versions.ts'
import { blockDevicesOf } from '../../model/block-devices.ts'
import { isUp, type Aggregate, type Service } from '../../model/host.ts'
import { statusOf, type Server } from '../../model/server.ts'
import { zoneOfServer } from '../../operations/server-metadata.ts'
import { linksOf, toOldTime, toTime } from '../links.ts'
import type { address, ShownServer } from './answers.ts'

/** What a view needs besides the server. */
export interface ViewOptions {
  version: ApiVersion
  baseUrl: string
  aggregates: readonly Aggregate[]
  defaultZone: string
  seesExtended: boolean
  seesExtraSpecs: boolean
  /** Set where the caller may see the status of hosts. */
  hosts: { services: readonly Service[]; downTimeS: number } | null
  seesFaultDetails: boolean
}

export const viewServerBrief = (server: Server, baseUrl: string) => ({
  id: server.id,
  name: server.name,
  links: linksOf(baseUrl, 'servers', server.id),
})

/** A host as its project may know it: equal for servers on the same host. */
const hostIdOf = ({ host, projectId }: Server): string =>
  host === null
    ? ''
    : createHash('sha224')
        .update(projectId + host)
        .digest('hex')

export const diskConfigOf = ({ hasAutoDisk }: Server) => (hasAutoDisk ? 'AUTO' : 'MANUAL')

const extensions = /^(OS-EXT|OS-SRV|os-extended-volumes:)|^(config_drive|key_name|security_groups|host_status)$/

/** What `PUT /servers/{id}` answered before 2.75: extensions added nothing to it. */
export function withoutExtensions(view: ShownServer) {
  const kept = Object.entries(view).filter(([key]) => !extensions.test(key))
  const addresses = Object.entries(view.addresses).map(([network, list]) => [
    network,
    list.map(({ version, addr }) => ({ version, addr })),
  ])
  return { ...Object.fromEntries(kept), id: view.id, addresses: Object.fromEntries(addresses) as object }
}

const showsProgress = new Set([
  'ACTIVE',
  'BUILD',
  'REBOOT',
  'HARD_REBOOT',
  'PASSWORD',
  'REBUILD',
  'RESIZE',
  'VERIFY_RESIZE',
  'MIGRATING',
  'REVERT_RESIZE',
])

export function viewServer(server: Server, options: ViewOptions): ShownServer {
  const { version, baseUrl } = options
  const status = statusOf(server)
  return {
    id: server.id,
    name: server.name,
    status,
    tenant_id: server.projectId,
    user_id: server.userId,
    metadata: server.metadata,
    hostId: hostIdOf(server),
    image: server.image ? { id: server.image.id, links: linksOf(baseUrl, 'images', server.image.id).slice(1) } : '',
    flavor: viewFlavorOf(server, options),
    created: toTime(server.createdAt),
    updated: toTime(server.updatedAt),
    addresses: viewAddresses(server),
    accessIPv4: server.accessIpv4 ?? '',
    accessIPv6: server.accessIpv6 ?? '',
    links: linksOf(baseUrl, 'servers', server.id),
    'OS-DCF:diskConfig': diskConfigOf(server),
    ...(showsProgress.has(status) && { progress: 0 }),
    ...((status === 'ERROR' || status === 'DELETED') &&
      server.fault && { fault: viewFault(server, options.seesFaultDetails) }),
    'OS-EXT-AZ:availability_zone':
      server.host === null && server.pinnedZone === null
        ? ''
        : zoneOfServer(server, options.aggregates, options.defaultZone),
    ...(version.has('server-pinned-zone') && { pinned_availability_zone: server.pinnedZone }),
    config_drive: server.hasConfigDrive ? 'True' : '',
    key_name: server.keyName,
    'OS-SRV-USG:launched_at': toOldTime(server.launchedAt),
    'OS-SRV-USG:terminated_at': toOldTime(server.terminatedAt),
    // Nova leaves the key out while a server has no port yet.
    ...(server.securityGroups.length > 0 && { security_groups: server.securityGroups.map((name) => ({ name })) }),
    'OS-EXT-STS:task_state': server.taskState,
    'OS-EXT-STS:vm_state': server.vmState,
    'OS-EXT-STS:power_state': server.powerState,
    'os-extended-volumes:volumes_attached': [],
    ...(options.seesExtended && viewExtended(server, version)),
    ...(version.has('server-hostname') && { 'OS-EXT-SRV-ATTR:hostname': server.hostname }),
    ...(version.has('server-locked') && { locked: server.lockedBy !== null }),
    ...(version.has('server-locked-reason') && { locked_reason: server.lockedReason }),
    ...(version.has('server-host-status') && options.hosts && { host_status: hostStatus(server, options.hosts) }),
    ...(version.has('server-description') && { description: server.description }),
    ...(version.has('server-tags') && { tags: server.tags }),
    ...(version.has('trusted-certificates') && { trusted_image_certificates: null }),
  }
}

function viewFlavorOf({ flavor }: Server, { version, baseUrl, seesExtraSpecs }: ViewOptions) {
  if (!version.has('server-flavor-embedded'))
    return { id: flavor.id, links: linksOf(baseUrl, 'flavors', flavor.id).slice(1) }
  return {
    original_name: flavor.name,
    vcpus: flavor.vcpus,
    ram: flavor.memoryMb,
    disk: flavor.rootGb,
    ephemeral: flavor.ephemeralGb,
    swap: flavor.swapMb,
    ...(seesExtraSpecs && { extra_specs: flavor.extraSpecs }),
  }
}

const viewExtended = (server: Server, version: ApiVersion) => ({
  'OS-EXT-SRV-ATTR:host': server.host,
  'OS-EXT-SRV-ATTR:hypervisor_hostname': server.node,
  'OS-EXT-SRV-ATTR:instance_name': instanceName(server),
  ...(version.has('server-extended-attributes') && {
    'OS-EXT-SRV-ATTR:reservation_id': server.reservationId,
    'OS-EXT-SRV-ATTR:launch_index': server.launchIndex,
    'OS-EXT-SRV-ATTR:hostname': server.hostname,
    'OS-EXT-SRV-ATTR:kernel_id': '',
    'OS-EXT-SRV-ATTR:ramdisk_id': '',
    'OS-EXT-SRV-ATTR:root_device_name': blockDevicesOf(server)['root'],
    'OS-EXT-SRV-ATTR:user_data': server.userData,
  }),
})

const instanceName = ({ id }: Server) => `instance-${id.slice(0, 8)}`

function hostStatus({ host }: Server, { services, downTimeS }: NonNullable<ViewOptions['hosts']>): string {
  if (host === null) return ''
  const service = services.find((each) => each.host === host && each.binary === 'nova-compute')
  if (!service) return 'UNKNOWN'
  if (service.isForcedDown) return 'DOWN'
  if (!isUp(service, downTimeS)) return 'UNKNOWN'
  return service.isDisabled ? 'MAINTENANCE' : 'UP'
}

function viewAddresses(server: Server) {
  const result: Record<string, Shown<typeof address>[]> = {}
  for (const port of server.ports) {
    const line = (addr: string, version: number, type: 'fixed' | 'floating') => ({
      version,
      addr,
      'OS-EXT-IPS:type': type,
      'OS-EXT-IPS-MAC:mac_addr': port.mac,
    })
    const list = (result[port.networkName] ??= [])
    for (const ip of port.fixedIps) list.push(line(ip.address, ip.version, 'fixed'))
    for (const address of port.floatingIps ?? []) list.push(line(address, 4, 'floating'))
  }
  return result
}

const viewFault = ({ fault }: Server, seesDetails: boolean) => ({
  code: fault!.code,
  created: toTime(fault!.at),
  message: fault!.message,
  ...(seesDetails && fault!.details !== '' && { details: fault!.details }),
})
