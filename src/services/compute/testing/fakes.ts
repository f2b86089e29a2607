/** The services around nova as they behave, in memory: for tests of whole stories. */
import { randomUUID } from 'node:crypto'
import type {
  Candidate,
  IdentityApi,
  ImageApi,
  Inventory,
  NetworkApi,
  NetworkInfo,
  NewSecurityGroupRule,
  PlacementApi,
  PortInfo,
  SecurityGroup,
  SecurityGroupApi,
} from '../deps.ts'
import type { Secret } from '../../../platform/auth/secret.ts'

export const imageId = '11111111-1111-4111-8111-111111111111'
export const networkId = '22222222-2222-4222-8222-222222222222'

export class FakeImages implements ImageApi {
  properties: Record<string, string> = {}

  async getImage(id: string) {
    if (id !== imageId) return undefined
    return {
      id,
      name: 'tiny',
      status: 'active',
      diskFormat: 'qcow2',
      minDisk: 0,
      minRam: 0,
      size: 1000,
      virtualSize: 2000,
      properties: this.properties,
    }
  }
}

/** Knows every project but these. */
export class FakeIdentity implements IdentityApi {
  readonly unknown = new Set(['nosuch'])

  async hasProject(id: string) {
    return !this.unknown.has(id)
  }
}

export class FakePlacement implements PlacementApi {
  readonly providers = new Map<string, Record<string, Inventory>>()
  readonly allocations = new Map<string, { providerId: string; resources: Record<string, number> }>()
  readonly traits = new Map<string, string[]>()
  conflicts = 0

  async allocationCandidates({
    resources,
    forbidden = [],
  }: {
    resources: Record<string, number>
    forbidden?: string[]
  }): Promise<Candidate[]> {
    return [...this.providers].flatMap(([providerId, inventory]) => {
      if (this.traits.get(providerId)?.some((trait) => forbidden.includes(trait))) return []
      const summary = Object.fromEntries(
        Object.entries(inventory).map(([name, line]) => [name, this.#line(providerId, name, line)]),
      )
      const fits = Object.entries(resources).every(
        ([name, amount]) => (summary[name]?.capacity ?? 0) - (summary[name]?.used ?? 0) >= amount,
      )
      return fits ? [{ providerId, resources, summary }] : []
    })
  }

  #line(providerId: string, name: string, { total, reserved, allocation_ratio }: Inventory) {
    const mine = [...this.allocations.values()].filter((each) => each.providerId === providerId)
    return {
      capacity: (total - reserved) * allocation_ratio,
      used: mine.reduce((sum, each) => sum + (each.resources[name] ?? 0), 0),
    }
  }

  async claim(
    { id }: { id: string },
    { providerId, resources }: { providerId: string; resources: Record<string, number> },
  ) {
    if (this.conflicts > 0) return this.conflicts-- < 0
    if (this.allocations.has(id)) return false // its consumer exists already
    this.allocations.set(id, { providerId, resources })
    return true
  }

  async getAllocations(id: string) {
    const found = this.allocations.get(id)
    return found ? [{ providerId: found.providerId }] : []
  }

  async deleteAllocations(id: string) {
    this.allocations.delete(id)
  }

  /** Consumers that somebody else made. */
  readonly strangers = new Set<string>()

  async isServer(id: string) {
    return this.allocations.has(id) && !this.strangers.has(id)
  }

  async consumersOf(providerId: string) {
    return [...this.allocations].filter(([, each]) => each.providerId === providerId).map(([id]) => id)
  }

  readonly #names = new Map<string, string>()

  async ensureProvider({ id, name }: { id: string; name: string }) {
    const known = this.#names.get(name) ?? id
    this.#names.set(name, known)
    if (!this.providers.has(known)) this.providers.set(known, {})
    return known
  }

  async setInventory(id: string, inventory: Record<string, Inventory>) {
    this.providers.set(id, inventory)
  }

  async changeTraits(id: string, { add, remove }: { add: readonly string[]; remove: readonly string[] }) {
    const kept = (this.traits.get(id) ?? []).filter((trait) => !remove.includes(trait))
    this.traits.set(id, [...new Set([...kept, ...add])])
  }

  async knows(_kind: string, name: string) {
    return name !== 'NO_SUCH'
  }

  async deleteProvider(id: string) {
    this.providers.delete(id)
  }
}

const privateNetwork: NetworkInfo = {
  id: networkId,
  name: 'private',
  mtu: 1450,
  projectId: 'p1',
  isShared: false,
  isExternal: false,
  portSecurityEnabled: true,
  subnets: ['s1'],
}

export class FakeNetwork implements NetworkApi {
  readonly ports = new Map<string, PortInfo>()
  /** What everybody sees. */
  networks: NetworkInfo[] = [privateNetwork]
  /** Whether the cloud has what automatic topologies are made of. */
  hasAutoTopology = true
  /** Whether ports are wired at once. */
  status = 'ACTIVE'
  #next = 10

  async listNetworks() {
    return this.networks
  }

  async canAutoAllocate() {
    return this.hasAutoTopology
  }

  async autoAllocate() {
    if (this.networks.length === 0) this.networks = [{ ...privateNetwork, name: 'auto_allocated_network' }]
    return this.networks[0]!.id
  }

  async listSubnets() {
    return [
      {
        id: 's1',
        cidr: '10.0.0.0/16',
        gatewayIp: '10.0.0.1',
        version: 4 as const,
        dnsNameservers: [],
        enableDhcp: true,
      },
    ]
  }

  async listSecurityGroups() {
    return [
      { id: 'sg0', name: 'default' },
      { id: 'sg1', name: 'web' },
    ]
  }

  async getPort(id: string) {
    return this.ports.get(id)
  }

  async listPorts(filter: Parameters<NetworkApi['listPorts']>[0]) {
    return [...this.ports.values()].filter((port) =>
      'deviceId' in filter
        ? port.deviceId === filter.deviceId
        : port.networkId === filter.networkId && port.fixedIps.some(({ address }) => address === filter.address),
    )
  }

  async listHostPorts(host: string) {
    return [...this.ports.values()].filter((port) => port.hostId === host)
  }

  async createPort(asked: Parameters<NetworkApi['createPort']>[0]) {
    const next = this.#next++
    const port: PortInfo = {
      id: randomUUID(),
      networkId: asked.networkId,
      projectId: asked.projectId,
      mac: `fa:16:3e:00:${(next >> 8).toString(16).padStart(2, '0')}:${(next & 255).toString(16).padStart(2, '0')}`,
      status: this.status,
      deviceId: asked.deviceId,
      deviceOwner: asked.deviceOwner,
      hostId: asked.hostId,
      vifType: 'bridge',
      fixedIps: [{ subnetId: 's1', address: asked.fixedIp ?? `10.0.${next >> 8}.${next & 255}` }],
      securityGroups: [...(asked.securityGroups ?? ['sg0'])],
    }
    this.ports.set(port.id, port)
    return port
  }

  async updatePort(id: string, changes: { deviceId: string; deviceOwner: string; hostId: string }) {
    const port = { ...this.ports.get(id)!, ...changes, status: this.status }
    this.ports.set(id, port)
    return port
  }

  readonly floatingIps: { address: string; portId: string }[] = []

  async listFloatingIps(portIds: readonly string[]) {
    return this.floatingIps.filter((each) => portIds.includes(each.portId))
  }

  async deletePort(id: string) {
    this.ports.delete(id)
  }
}

/** Neutron's security groups: `web` and `default` are there; ports have `default` until they are given others. */
export class FakeSecurityGroups implements SecurityGroupApi {
  readonly groups = new Map<string, SecurityGroup>()
  readonly ofPorts = new Map<string, readonly string[]>()
  readonly #network: FakeNetwork

  constructor(network: FakeNetwork) {
    this.#network = network
    for (const name of ['default', 'web']) this.#add(name, '')
  }

  #add(name: string, description: string): SecurityGroup {
    const group = { id: randomUUID(), name, description, projectId: 'p1', rules: [] }
    this.groups.set(group.id, group)
    return group
  }

  async list(_token: Secret, { ids }: { projectId?: string; ids?: readonly string[] }) {
    return [...this.groups.values()].filter(({ id }) => ids === undefined || ids.includes(id))
  }

  async get(_token: Secret, id: string) {
    return this.groups.get(id)
  }

  async create(_token: Secret, { name, description }: { name: string; description: string }) {
    return this.#add(name, description)
  }

  async update(_token: Secret, id: string, changes: { name: string; description: string }) {
    return Object.assign(this.groups.get(id)!, changes)
  }

  async remove(_token: Secret, id: string) {
    this.groups.delete(id)
  }

  async findRule(_token: Secret, id: string) {
    return [...this.groups.values()].flatMap(({ rules }) => rules).find((rule) => rule.id === id)
  }

  async createRule(_token: Secret, rule: NewSecurityGroupRule) {
    const made = { ...rule, id: randomUUID() }
    this.groups.get(rule.groupId)!.rules.push(made)
    return made
  }

  async removeRule(_token: Secret, id: string) {
    for (const group of this.groups.values()) group.rules = group.rules.filter((rule) => rule.id !== id)
  }

  async groupsOfPorts(_token: Secret, deviceId: string) {
    const [first] = this.groups.keys()
    return (await this.#network.listPorts({ deviceId })).map(({ id }) => ({
      portId: id,
      groupIds: [...(this.ofPorts.get(id) ?? [first!])],
      canHaveGroups: true,
    }))
  }

  async setGroups(_token: Secret, portId: string, groupIds: readonly string[]) {
    this.ofPorts.set(portId, groupIds)
  }
}
