/** An operator's word that a guest is that of its server: the server is on that host from now on. */
import { RpcError } from '../../../platform/rpc/contract.ts'
import { recordEvent } from '../../../platform/saga/timeline.ts'
import { isHostUp } from '../conductor/remove-guest.ts'
import type { ComputeDeps } from '../deps.ts'
import { resourcesOf } from '../model/flavor.ts'
import { power, type Server } from '../model/server.ts'
import type { GuestDescription } from '../rpc/compute.ts'
import { listHosts } from '../store/hosts.ts'
import { findServer, updateServer } from '../store/servers.ts'
import { findUnknown } from './unknown-guests.ts'

/** Returns the host. Throws where the database has no such server, or has it running elsewhere. */
export async function adoptGuest(deps: ComputeDeps, id: string): Promise<string> {
  const { database, agents, log } = deps
  const { host } = findUnknown(deps, id)
  const node = (await listHosts(database.db)).find((each) => each.host === host)
  const guest = (await agents.describeGuests(host, { ids: [id] })).guests[0]
  if (!guest || !node) throw new RpcError(`host ${host} has no guest ${id} any more`, 'NotFound')
  const server = await adoptable(deps, id, host)
  await database.transaction(async (tx) => {
    const place = { host, node: node.report.hypervisorHostname, isLeftover: false }
    const changes = { ...place, ...statesOf(guest), revision: Math.max(server.revision, guest.revision) + 1 }
    if (!(await updateServer(tx, id, { ...changes, fault: null }, server)))
      throw new RpcError(`server ${id} was changed meanwhile: try again`, 'Conflict')
    const line = { resourceId: id, requestId: null, at: deps.now(), outcome: 'info' as const }
    await recordEvent(tx, { ...line, what: 'guest adopted by an operator', detail: host })
  })
  log.warn({ server: id, host, was: server.host }, 'a guest was adopted by an operator')
  await bindPorts(deps, server, host)
  await claim(deps, server, node.id)
  await agents.look(host, {})
  return host
}

async function adoptable(deps: ComputeDeps, id: string, host: string): Promise<Server> {
  const server = await findServer(deps.database.db, id)
  if (!server)
    throw new RpcError(
      `no server ${id} in the database: restore one that has it, or remove the guest (nephos guests remove ${id})`,
      'NotFound',
    )
  if (server.deletedAt !== null) throw new RpcError(`server ${id} was deleted`, 'Conflict')
  if (server.taskState !== null || (await deps.sagas.isBusy(id)))
    throw new RpcError(`server ${id} is busy (${server.taskState ?? server.vmState})`, 'Conflict')
  const isElsewhere = server.host !== null && server.host !== host && server.reportedPower === 'running'
  if (isElsewhere && (await isHostUp(deps, server.host!)))
    throw new RpcError(`server ${id} runs on ${server.host}: the guest on ${host} is another one`, 'Conflict')
  return server
}

const statesOf = ({ power: now }: GuestDescription): Partial<Server> =>
  ({
    running: { vmState: 'active', desiredPower: 'running', powerState: power.running } as const,
    paused: { vmState: 'paused', desiredPower: 'paused', powerState: power.paused } as const,
    shutdown: { vmState: 'stopped', desiredPower: 'shutdown', powerState: power.shutdown } as const,
  })[now]

async function bindPorts({ network, config }: ComputeDeps, server: Server, host: string) {
  for (const { id } of server.ports) {
    const port = await network.getPort(id)
    if (!port || port.hostId === host) continue
    const deviceOwner = port.deviceOwner || `compute:${server.pinnedZone ?? config.defaultZone}`
    await network.updatePort(id, { deviceId: server.id, deviceOwner, hostId: host })
  }
}

/** Its resources on this node and on no other. */
async function claim({ placement, log }: ComputeDeps, server: Server, providerId: string) {
  const held = await placement.getAllocations(server.id)
  if (held.some((each) => each.providerId === providerId)) return
  if (held.length > 0) await placement.deleteAllocations(server.id)
  if (!(await placement.claim(server, { providerId, resources: resourcesOf(server.flavor) })))
    log.warn({ server: server.id, provider: providerId }, 'the host of an adopted guest has not what its server needs')
}
