import type { Database } from '../../platform/db/database.ts'
import type { Leases } from '../../platform/db/lease.ts'
import type { Logger } from '../../platform/log/log.ts'
import type { RpcClient } from '../../platform/rpc/contract.ts'
import type { SagaRunner } from '../../platform/saga/saga.ts'
import type { Secret } from '../../platform/auth/secret.ts'
import type { ComputeConfig } from './config.ts'
import type { Census } from './conductor/census.ts'
import type { HeldHosts } from './conductor/held-hosts.ts'
import type { PluggedPorts } from './conductor/plugged-ports.ts'
import type { Waiters } from './conductor/waiters.ts'
import type { computeContract } from './rpc/compute.ts'
import type { schedulerContract } from './rpc/scheduler.ts'
import type { ComputeSchema } from './store/tables.ts'
import type { PortSubnet } from './model/server.ts'

/** What operations of this service may use. */
export interface ComputeDeps {
  readonly database: Database<ComputeSchema>
  readonly config: ComputeConfig
  readonly log: Logger
  readonly leases: Leases
  readonly sagas: SagaRunner<ComputeDeps, ComputeSchema>
  readonly agents: RpcClient<typeof computeContract>
  readonly scheduler: RpcClient<typeof schedulerContract>
  readonly waiters: Waiters
  readonly plugged: PluggedPorts
  readonly census: Census
  readonly held: HeldHosts
  readonly identity: IdentityApi
  readonly image: ImageApi
  readonly placement: PlacementApi
  readonly network: NetworkApi
  readonly securityGroups: SecurityGroupApi
  /** `http://address:port` of nova-novncproxy. */
  readonly consoleUrl: string
  readonly now: () => number
}

/** Keystone, as far as nova needs it. */
export interface IdentityApi {
  /** Whether there is such a project, as the bearer of `token` may know. */
  hasProject(id: string, token: Secret): Promise<boolean>
}

export interface ImageInfo {
  id: string
  name: string
  status: string
  diskFormat: string | null
  minDisk: number
  minRam: number
  size: number | null
  virtualSize: number | null
  properties: Record<string, string>
}

/** Glance, as far as builds need it. */
export interface ImageApi {
  /** The image as the bearer of `token` sees it; undefined when there is none for him. */
  getImage(id: string, token: Secret): Promise<ImageInfo | undefined>
}

export interface Candidate {
  providerId: string
  resources: Record<string, number>
  summary: Record<string, { capacity: number; used: number }>
}

/** Placement, as far as nova needs it; a provider is a compute node. */
export interface PlacementApi {
  allocationCandidates(ask: {
    resources: Record<string, number>
    required: string[]
    forbidden?: string[]
    limit: number
  }): Promise<Candidate[]>
  /** False when somebody else was faster (409). */
  claim(
    consumer: { id: string; projectId: string; userId: string },
    candidate: Pick<Candidate, 'providerId' | 'resources'>,
  ): Promise<boolean>
  getAllocations(consumerId: string): Promise<{ providerId: string }[]>
  deleteAllocations(consumerId: string): Promise<void>
  /** Whether the consumer was made by nova for a server. */
  isServer(consumerId: string): Promise<boolean>
  /** Consumers of a provider. */
  consumersOf(providerId: string): Promise<string[]>
  /** Returns its id: another one than asked for where there is one of this name. */
  ensureProvider(provider: { id: string; name: string }): Promise<string>
  setInventory(providerId: string, inventory: Record<string, Inventory>): Promise<void>
  /** Leaves traits that are in neither list as they are: an operator may have set them. */
  changeTraits(providerId: string, change: { add: readonly string[]; remove: readonly string[] }): Promise<void>
  deleteProvider(providerId: string): Promise<void>
  /** Whether there is a trait or a resource class of that name. */
  knows(kind: 'traits' | 'resource_classes', name: string): Promise<boolean>
}

export interface Inventory {
  total: number
  reserved: number
  min_unit: number
  max_unit: number
  step_size: number
  allocation_ratio: number
}

export interface NetworkInfo {
  id: string
  name: string
  mtu: number
  projectId: string
  isShared: boolean
  isExternal: boolean
  portSecurityEnabled: boolean
  subnets: string[]
}

export interface PortInfo {
  id: string
  networkId: string
  projectId: string
  mac: string
  status: string
  deviceId: string
  deviceOwner: string
  hostId: string
  vifType: string
  fixedIps: { subnetId: string; address: string }[]
  /** Ids. */
  securityGroups: string[]
}

export interface SecurityGroupInfo {
  id: string
  name: string
}

/** Neutron, as far as nova needs it. Without `token` as nova itself. */
export interface NetworkApi {
  listNetworks(filter: { ids?: readonly string[]; projectId?: string }, token?: Secret): Promise<NetworkInfo[]>
  listSubnets(ids: readonly string[]): Promise<PortSubnet[]>
  listSecurityGroups(projectId: string, token?: Secret): Promise<SecurityGroupInfo[]>
  getPort(id: string, token?: Secret): Promise<PortInfo | undefined>
  listPorts(filter: { deviceId: string } | { networkId: string; address: string }, token?: Secret): Promise<PortInfo[]>
  /** All that are bound to a host. */
  listHostPorts(host: string): Promise<PortInfo[]>
  /** Whether `autoAllocate` would do. */
  canAutoAllocate(projectId: string, token: Secret): Promise<boolean>
  /** The id of the project's automatic network, which is made with all it needs where it is not there yet. */
  autoAllocate(projectId: string): Promise<string>
  createPort(port: {
    networkId: string
    projectId: string
    deviceId: string
    deviceOwner: string
    hostId: string
    fixedIp?: string
    securityGroups?: readonly string[]
  }): Promise<PortInfo>
  updatePort(id: string, changes: { deviceId: string; deviceOwner: string; hostId: string }): Promise<PortInfo>
  deletePort(id: string): Promise<void>
  /** Of these ports. */
  listFloatingIps(portIds: readonly string[]): Promise<{ address: string; portId: string }[]>
}

/** An ingress rule of neutron's; null where it names nothing. */
export interface SecurityGroupRule {
  id: string
  groupId: string
  protocol: string | null
  from: number | null
  to: number | null
  cidr: string | null
  remoteGroupId: string | null
  isIpv6: boolean
}

export type NewSecurityGroupRule = Omit<SecurityGroupRule, 'id'>

export interface SecurityGroup {
  id: string
  name: string
  description: string
  projectId: string
  rules: SecurityGroupRule[]
}

/** Neutron's security groups, with the rights of the user whose token it is. */
export interface SecurityGroupApi {
  list(token: Secret, filter: { projectId?: string; ids?: readonly string[] }): Promise<SecurityGroup[]>
  get(token: Secret, id: string): Promise<SecurityGroup | undefined>
  create(token: Secret, group: { name: string; description: string }): Promise<SecurityGroup>
  update(token: Secret, id: string, group: { name: string; description: string }): Promise<SecurityGroup>
  remove(token: Secret, id: string): Promise<void>
  findRule(token: Secret, id: string): Promise<SecurityGroupRule | undefined>
  createRule(token: Secret, rule: NewSecurityGroupRule): Promise<SecurityGroupRule>
  removeRule(token: Secret, id: string): Promise<void>
  groupsOfPorts(
    token: Secret,
    deviceId: string,
  ): Promise<{ portId: string; groupIds: string[]; canHaveGroups: boolean }[]>
  setGroups(token: Secret, portId: string, groupIds: readonly string[]): Promise<void>
}
