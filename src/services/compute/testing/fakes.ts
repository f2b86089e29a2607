/** The services around nova as they behave, in memory: for tests of whole stories. */
import { randomUUID } from 'node:crypto'
import type { Candidate, ImageApi, Inventory, NetworkApi, PlacementApi, PortInfo } from '../deps.ts'

export const imageId = '11111111-1111-4111-8111-111111111111'
export const networkId = '22222222-2222-4222-8222-222222222222'

export class FakeImages implements ImageApi {
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
      properties: {},
    }
  }
}

export class FakePlacement implements PlacementApi {
  readonly providers = new Map<string, Record<string, Inventory>>()
  readonly allocations = new Map<string, { providerId: string; resources: Record<string, number> }>()
  conflicts = 0

  async allocationCandidates({ resources }: { resources: Record<string, number> }): Promise<Candidate[]> {
    return [...this.providers].flatMap(([providerId, inventory]) => {
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

  async consumersOf(providerId: string) {
    return [...this.allocations].filter(([, each]) => each.providerId === providerId).map(([id]) => id)
  }

  async ensureProvider({ id }: { id: string }) {
    if (!this.providers.has(id)) this.providers.set(id, {})
  }

  async setInventory(id: string, inventory: Record<string, Inventory>) {
    this.providers.set(id, inventory)
  }

  async setTraits() {}

  async deleteProvider(id: string) {
    this.providers.delete(id)
  }
}

export class FakeNetwork implements NetworkApi {
  readonly ports = new Map<string, PortInfo>()
  /** Whether ports are wired at once. */
  status = 'ACTIVE'
  #next = 10

  async listNetworks() {
    return [
      {
        id: networkId,
        name: 'private',
        mtu: 1450,
        projectId: 'p1',
        isShared: false,
        isExternal: false,
        portSecurityEnabled: true,
        subnets: ['s1'],
      },
    ]
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
    return [{ id: 'sg1', name: 'web' }]
  }

  async getPort(id: string) {
    return this.ports.get(id)
  }

  async listPorts({ deviceId }: { deviceId: string }) {
    return [...this.ports.values()].filter((port) => port.deviceId === deviceId)
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
      fixedIps: [{ subnetId: 's1', address: `10.0.${next >> 8}.${next & 255}` }],
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
