/**
 * Databases of different moments (a restored copy, a service that was away) are brought together again: servers have
 * what they use, and what belongs to nobody is freed where that is proven. What is in doubt is kept and told.
 */
import { timeAgo } from '../../../base/clock.ts'
import type { ComputeDeps, PortInfo } from '../deps.ts'
import { releasePort } from '../conductor/ports.ts'
import { resourcesOf } from '../model/flavor.ts'
import type { Host } from '../model/host.ts'
import type { Server } from '../model/server.ts'
import { listHosts } from '../store/hosts.ts'
import { listHostServers, listServersByIds } from '../store/servers.ts'
import { forgetBuried, listBuried } from '../store/tombstones.ts'
import type { Findings } from './findings.ts'

const everyMs = 300_000
/** A host that looked so lately has told of every guest that it has. */
const censusMs = 60_000
/** Longer than a host may be away with a guest whose server was deleted. */
const tombstoneMs = 400 * 24 * 3600 * 1000

/** Looks at each host that reports, at first as soon as it does and then now and then. */
export class HostReconciler {
  readonly #deps: ComputeDeps
  readonly #findings: Findings
  readonly #looked = new Map<string, number>()

  constructor(deps: ComputeDeps, findings: Findings) {
    this.#deps = deps
    this.#findings = findings
  }

  async run(): Promise<void> {
    const { database, census } = this.#deps
    const isDue = (host: string) => performance.now() - (this.#looked.get(host) ?? -Infinity) >= everyMs
    const due = census.hosts().filter(isDue)
    if (due.length === 0) return
    const hosts = (await listHosts(database.db)).filter(({ host }) => due.includes(host))
    for (const host of hosts) {
      this.#findings.begin(host.host)
      await this.#allocations(host)
      await this.#ports(host)
      this.#looked.set(host.host, performance.now())
    }
    await forgetBuried(database.db, timeAgo(tombstoneMs))
    this.#findings.tell()
  }

  async #allocations(host: Host) {
    const { database, placement, sagas } = this.#deps
    // Before the servers: one that is made meanwhile has its row first.
    const consumers = await placement.consumersOf(host.id)
    const known = await this.#known(consumers)
    for (const id of consumers) {
      const server = known.servers.get(id)
      if (server?.deletedAt === null || (await sagas.isBusy(id))) continue
      if (server || known.buried.has(id)) {
        await placement.deleteAllocations(id)
        this.#findings.repaired(host.host, 'allocations of deleted servers removed', id)
      } else await this.#freeUnlessInDoubt(host, id)
    }
    const lacking = (await listHostServers(database.db, host.host)).filter(
      (server) => isSettled(server) && !consumers.includes(server.id),
    )
    for (const server of lacking) if (!(await sagas.isBusy(server.id))) await this.#allocate(host, server)
  }

  /** No database knows its consumer: it goes only if nova made it and its host has no such guest. */
  async #freeUnlessInDoubt({ host }: Host, id: string) {
    const { placement, census } = this.#deps
    const guests = census.guestsOf(host, censusMs)
    if (guests && !guests.has(id) && (await placement.isServer(id))) {
      await placement.deleteAllocations(id)
      this.#findings.repaired(host, 'allocations of nobody removed', id)
    } else this.#findings.doubted(host, 'allocations of unknown consumers', id)
  }

  async #allocate({ id: providerId, host }: Host, server: Server) {
    const { placement } = this.#deps
    // On another provider it may be in the middle of something.
    if ((await placement.getAllocations(server.id)).length > 0) return
    if (await placement.claim(server, { providerId, resources: resourcesOf(server.flavor) }))
      this.#findings.repaired(host, 'allocations made again', server.id)
    else this.#findings.doubted(host, 'servers for whose allocation there is no room', server.id)
  }

  async #ports({ host }: Host) {
    const { database, network, sagas } = this.#deps
    const servers = (await listHostServers(database.db, host)).filter(isSettled)
    const ports = (await network.listHostPorts(host)).filter(({ deviceOwner }) => deviceOwner.startsWith('compute:'))
    const known = await this.#known(ports.map(({ deviceId }) => deviceId))
    for (const port of ports) {
      const server = known.servers.get(port.deviceId)
      if (server?.deletedAt === null || (await sagas.isBusy(port.deviceId))) continue
      if (server || known.buried.has(port.deviceId)) await this.#release(host, port, server)
      else this.#findings.doubted(host, 'ports of unknown servers', port.id)
    }
    const present = new Set(ports.map(({ id }) => id))
    for (const server of servers) {
      const mine = new Set(server.ports.map(({ id }) => id))
      const isShort = ports.some(({ id, deviceId }) => deviceId === server.id && !mine.has(id))
      if (!isShort && [...mine].every((id) => present.has(id))) continue
      if (!(await sagas.isBusy(server.id)))
        this.#findings.doubted(host, 'servers whose ports nova and neutron do not agree about', server.id)
    }
  }

  /** A port that its user may have brought is set free only. */
  async #release(host: string, port: PortInfo, server: Server | undefined) {
    await releasePort(this.#deps.network, port.id, !server || server.givenPorts.includes(port.id))
    this.#findings.repaired(host, 'ports of deleted servers released', port.id)
  }

  async #known(ids: readonly string[]) {
    const { db } = this.#deps.database
    const servers = new Map((await listServersByIds(db, ids)).map((server) => [server.id, server]))
    return { servers, buried: await listBuried(db, ids) }
  }
}

const isSettled = (server: Server): boolean =>
  server.deletedAt === null && server.vmState !== 'building' && server.taskState === null && server.launchedAt !== null
