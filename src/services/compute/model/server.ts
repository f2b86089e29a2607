import type { Flavor } from './flavor.ts'

export type VmState = 'building' | 'active' | 'stopped' | 'paused' | 'error' | 'deleted'
export type TaskState =
  | 'scheduling'
  | 'networking'
  | 'spawning'
  | 'rebooting'
  | 'rebooting_hard'
  | 'powering-off'
  | 'powering-on'
  | 'pausing'
  | 'unpausing'
  | 'deleting'
export type DesiredPower = 'running' | 'paused' | 'shutdown' | 'absent'

/** Nova's numbers of power states. */
export const power = { none: 0, running: 1, paused: 3, shutdown: 4, crashed: 6 } as const

/** One port of a server, as kept with it so that lists need no question to neutron. */
export interface ServerPort {
  id: string
  mac: string
  networkId: string
  networkName: string
  mtu: number
  isActive: boolean
  /** Neutron says that its host cannot wire it. */
  isFailed?: boolean
  /** Made for this server: deleted with it. */
  isOurs: boolean
  tag: string | null
  /** Neutron's `binding:vif_type`. */
  vifType?: string
  fixedIps: { subnetId: string; address: string; version: 4 | 6 }[]
  floatingIps?: string[]
  subnets: PortSubnet[]
}

/** What a guest must know of a subnet. */
export interface PortSubnet {
  id: string
  cidr: string
  gatewayIp: string | null
  version: 4 | 6
  dnsNameservers: string[]
  enableDhcp: boolean
  /** `slaac`, `dhcpv6-stateful`, `dhcpv6-stateless`. */
  ipv6AddressMode?: string | null
  hostRoutes?: { destination: string; nexthop: string }[]
}

export interface ImageOfServer {
  id: string
  diskFormat: string
  properties: Record<string, string>
}

export interface ServerKey {
  name: string
  publicKey: string
  type: string
}

/** A file of `personality`; contents in base64. */
export interface InjectedFile {
  path: string
  contents: string
}

export interface Fault {
  code: number
  message: string
  details: string
  at: number
}

/** Why a host could not do what was wanted. */
export interface ReportedError {
  message: string
  detail: string
  /** No other host could either. */
  isEverywhere?: boolean
}

/** A server as kept. */
export interface Server {
  id: string
  seq: number
  projectId: string
  userId: string
  name: string
  hostname: string
  description: string | null
  vmState: VmState
  taskState: TaskState | null
  taskSince: number | null
  powerState: number
  launchIndex: number
  reservationId: string
  flavor: Flavor
  image: ImageOfServer | null
  keyName: string | null
  keys: ServerKey[]
  userData: string | null
  adminPass: string | null
  hasConfigDrive: boolean
  /** What `OS-DCF:diskConfig` said: AUTO or MANUAL. */
  hasAutoDisk: boolean
  /** For the config drive. */
  injectedFiles: InjectedFile[]
  zone: string | null
  pinnedZone: string | null
  host: string | null
  node: string | null
  /** The host that was chosen, from before the guest is ordered there on. */
  scheduledHost: string | null
  securityGroups: string[]
  metadata: Record<string, string>
  tags: string[]
  ports: ServerPort[]
  groupId: string | null
  /** Ports that the user brought: set free, not deleted. */
  givenPorts: string[]
  accessIpv4: string | null
  accessIpv6: string | null
  lockedBy: 'owner' | 'admin' | null
  lockedReason: string | null
  fault: Fault | null
  desiredPower: DesiredPower
  revision: number
  rebootGeneration: number
  rebootType: 'SOFT' | 'HARD'
  reportedRevision: number
  reportedPower: string | null
  reportedError: ReportedError | null
  reportedReboot: number
  /** Hosts where its build failed. */
  triedHosts: string[]
  requestId: string | null
  isLeftover: boolean
  createdAt: number
  updatedAt: number
  launchedAt: number | null
  terminatedAt: number | null
  deletedAt: number | null
}

/** The status word that clients see. Source: nova/api/openstack/common.py (table of states). */
export function statusOf(server: Pick<Server, 'vmState' | 'taskState'>): string {
  switch (server.vmState) {
    case 'active':
      if (server.taskState === 'rebooting') return 'REBOOT'
      if (server.taskState === 'rebooting_hard') return 'HARD_REBOOT'
      return 'ACTIVE'
    case 'building':
      return 'BUILD'
    case 'stopped':
      return server.taskState === 'rebooting_hard' ? 'HARD_REBOOT' : 'SHUTOFF'
    case 'paused':
      return server.taskState === 'rebooting_hard' ? 'HARD_REBOOT' : 'PAUSED'
    case 'error':
      return server.taskState === 'rebooting_hard' ? 'HARD_REBOOT' : 'ERROR'
    default:
      return 'DELETED'
  }
}

/** vm_states behind a status word, for filters; undefined for a word that does not exist. */
export function statesOf(status: string): { vmStates: VmState[]; taskStates: string[] | null } | undefined {
  switch (status.toUpperCase()) {
    case 'ACTIVE':
      return { vmStates: ['active'], taskStates: null }
    case 'BUILD':
      return { vmStates: ['building'], taskStates: null }
    case 'SHUTOFF':
      return { vmStates: ['stopped'], taskStates: null }
    case 'PAUSED':
      return { vmStates: ['paused'], taskStates: null }
    case 'ERROR':
      return { vmStates: ['error'], taskStates: null }
    case 'DELETED':
      return { vmStates: ['deleted'], taskStates: null }
    case 'REBOOT':
      return { vmStates: ['active'], taskStates: ['rebooting'] }
    case 'HARD_REBOOT':
      return { vmStates: ['active', 'stopped', 'paused', 'error'], taskStates: ['rebooting_hard'] }
    case 'SUSPENDED':
    case 'RESCUE':
    case 'RESIZE':
    case 'VERIFY_RESIZE':
    case 'REVERT_RESIZE':
    case 'REBUILD':
    case 'MIGRATING':
    case 'PASSWORD':
    case 'SHELVED':
    case 'SHELVED_OFFLOADED':
    case 'SOFT_DELETED':
    case 'UNKNOWN':
      return { vmStates: [], taskStates: null }
    default:
      return undefined
  }
}
