/** nova-conductor: what agents ask for and report. */
import { tapName } from '../../../base/device-names.ts'
import type { Bus, Caller } from '../../../platform/rpc/contract.ts'
import { RpcError, rpcServe } from '../../../platform/rpc/contract.ts'
import type { ComputeDeps } from '../deps.ts'
import type { Server } from '../model/server.ts'
import { conductorContract, type DesiredServer } from '../rpc/conductor.ts'
import { listHostServers } from '../store/servers.ts'
import { configDrivesOf } from './config-drives.ts'
import { takeHostReport } from './host-reports.ts'
import { judgeGuests } from './judge-guests.ts'
import { registerHost } from './register-host.ts'
import { takeReports } from './reports.ts'

/** Serves the agents; returns how to stop. An agent speaks for its own host only. */
export function serveConductor(deps: ComputeDeps, bus: Bus, host: string): () => void {
  return rpcServe(bus, conductorContract, host, {
    async registerHost({ host: of, agent }, caller) {
      own(of, caller)
      return await registerHost(deps, { host: of, ...agent })
    },
    async pullServers({ host: of, ids, guests }, caller) {
      own(of, caller)
      const servers = await listHostServers(deps.database.db, of, ids)
      const wanted = new Set(servers.map(({ id }) => id))
      const drives = await configDrivesOf(deps, servers)
      return {
        servers: servers.map((server) => toDesired(server, drives.get(server.id) ?? null)),
        verdicts: guests ? await judgeGuests(deps, of, guests, wanted) : [],
      }
    },
    async reportServers({ host: of, reports }, caller) {
      own(of, caller)
      await takeReports(deps, of, reports)
      return {}
    },
    async reportHost({ host: of, report }, caller) {
      own(of, caller)
      await takeHostReport(deps, of, report)
      return {}
    },
  })
}

function own(host: string, caller: Caller) {
  if (host !== caller.host) throw new RpcError(`host ${caller.host} cannot speak for host ${host}`, 'Forbidden')
}

function toDesired(server: Server, configDrive: DesiredServer['configDrive']): DesiredServer {
  const { flavor } = server
  return {
    id: server.id,
    revision: server.revision,
    projectId: server.projectId,
    name: server.name,
    power: server.deletedAt === null ? server.desiredPower : 'absent',
    reboot: { generation: server.rebootGeneration, type: server.rebootType },
    vcpus: flavor.vcpus,
    memoryMb: flavor.memoryMb,
    rootGb: flavor.rootGb,
    ephemeralGb: flavor.ephemeralGb,
    swapMb: flavor.swapMb,
    image: server.image,
    extraSpecs: flavor.extraSpecs,
    ports: server.ports.map(({ id, mac, networkId, mtu, isActive }) => ({
      id,
      mac,
      networkId,
      tap: tapName(id),
      mtu,
      isActive,
    })),
    configDrive,
    isDeleted: server.deletedAt !== null,
    isBuilt: server.launchedAt !== null,
    requestId: server.requestId,
  }
}
