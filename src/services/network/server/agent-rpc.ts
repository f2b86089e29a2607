/** neutron-server's end of the contract with the agents. */
import { RpcError, type RpcHandlers } from '../../../platform/rpc/contract.ts'
import type { NetworkDeps } from '../deps.ts'
import { ensureAllDhcpPorts } from '../operations/dhcp.ts'
import { floatingIpsOn, setFloatingStatus } from '../operations/floating-ips.ts'
import { setFailed, setStatus } from '../operations/ports.ts'
import { placeRouters } from '../operations/routers.ts'
import { bind, isAlive } from '../ml2/binding.ts'
import { floatingKey, type AgentReport, type neutronContract } from '../rpc/host-state.ts'
import { wirerOf, type AgentPart } from '../rpc/parts.ts'
import { noteHeartbeat } from '../store/hosts.ts'
import { portsToWire } from '../store/ports.ts'
import { revisionOf } from '../store/revisions.ts'
import { findRow, insertRow, listRows, updateRow, type NetworkDb } from '../store/rows.ts'
import { hostStateOf } from './host-state.ts'
import { currentEpoch, succeeds, type Position } from './epochs.ts'

/** A host speaks for itself only. */
function requireOwn(caller: { host: string }, host: string) {
  if (caller.host !== host) throw new RpcError(`host ${caller.host} must not speak for ${host}`, 'Forbidden')
}

/** What this process has seen of the hosts that pull from it. */
export interface Pulls {
  /** How many milliseconds the last one took. */
  lastMs: number
  readonly hosts: Set<string>
}

/** By host: the parts that keep what this database does not name, and why. */
export type Keeping = Map<string, Map<AgentPart, string>>

/** `pulls` is told how long it took to put the last host's state together, `keeping` who is in doubt. */
export function agentHandlers(
  deps: NetworkDeps,
  pulls: Pulls,
  keeping: Keeping,
  epochBegun: () => Promise<void>,
): RpcHandlers<typeof neutronContract> {
  const { db } = deps.database
  return {
    async pullHost({ host, revision, parts }, caller) {
      requireOwn(caller, host)
      pulls.hosts.add(host)
      await epochBegun()
      const now = await revisionOf(db, host)
      const epoch = await currentEpoch(db)
      const doubted = await doubtedOf(db, host, parts)
      noteDoubts(keeping, host, parts, doubted)
      if (doubted.length === 0 && revision === now) return { state: null, epoch, doubted }
      const began = performance.now()
      const names = parts.map(({ name }) => name)
      const state = await hostStateOf(deps, host, now, names)
      pulls.lastMs = performance.now() - began
      return { state, epoch, doubted }
    },

    async pullPorts({ host, revision: known, parts }, caller) {
      requireOwn(caller, host)
      pulls.hosts.add(host)
      const revision = await revisionOf(db, host)
      if (revision === known) return { revision, ports: null }
      const rows = await portsToWire(db, host)
      const ports = rows.filter((row) => parts.includes(wirerOf(row.device_owner))).map(({ id }) => id)
      const floating = parts.includes('l3') ? await floatingIpsOn(db, host) : []
      const keys = floating.map(({ id, fixed_ip_address: fixed }) => floatingKey({ id, fixed }))
      return { revision, ports: [...ports, ...keys] }
    },

    async reportPorts({ host, up, down, errors }, caller) {
      requireOwn(caller, host)
      await setStatus(deps, host, up, 'ACTIVE')
      await setStatus(deps, host, down, 'DOWN')
      await setFloatingStatus(db, host, up, 'ACTIVE')
      await setFloatingStatus(db, host, down, 'DOWN')
      for (const { portId, message } of errors) {
        deps.log.warn({ port: portId, host }, message)
        await setFailed(deps, host, portId, message)
      }
      return {}
    },

    async reportAgents({ host, tunnelIp, bridgeMappings, agents }, caller) {
      requireOwn(caller, host)
      const mappings = JSON.stringify(bridgeMappings)
      const known = await listRows(db, 'agents', { host })
      const rowOf = ({ agentType }: AgentReport) => known.find((row) => row.agent_type === agentType)
      const isNew = agents.some((agent) => !rowOf(agent))
      const isElsewhere = known.some((row) => row.tunnel_ip !== tunnelIp)
      if (isNew || isElsewhere) await deps.change((tx) => register(tx, host, tunnelIp, mappings, agents))
      for (const agent of agents) {
        // Of a heartbeat that a power cut takes the next one tells again.
        await noteHeartbeat(deps.database.relaxed, host, agent.agentType, { ...heartbeatOf(agent), mappings })
      }
      // Of these: another one of the host may stay away for good.
      const isBack = agents.map(rowOf).some((row) => !row || !isAlive(row, deps))
      if (isBack) await serveReturned(deps, host)
      return {}
    },
  }
}

const heartbeatOf = ({ binary, configurations, error }: AgentReport) => ({
  binary_name: binary,
  configurations: JSON.stringify(configurations),
  heartbeat_at: Date.now(),
  error,
})

interface Follower {
  name: AgentPart
  known: (Position & { host: string }) | null
}
interface Doubt {
  name: AgentPart
  reason: string
}

const foreign = 'the network database is another one than its agents followed, or an older copy of it'

/** Those that followed something else. Parts of one process mostly followed the same, which is looked up once. */
async function doubtedOf(db: NetworkDb, host: string, followers: readonly Follower[]): Promise<Doubt[]> {
  const reasons = new Map<string, string | null>()
  for (const { known } of followers) {
    const key = JSON.stringify(known)
    if (!reasons.has(key)) reasons.set(key, await doubtOf(db, host, known))
  }
  return followers.flatMap(({ name, known }) => {
    const reason = reasons.get(JSON.stringify(known)) ?? null
    return reason === null ? [] : [{ name, reason }]
  })
}

async function doubtOf(db: NetworkDb, host: string, known: Follower['known']): Promise<string | null> {
  if (known === null) return null
  if (known.host !== host) return `the network database knew this host as ${known.host}`
  return (await succeeds(db, known)) ? null : foreign
}

function noteDoubts(keeping: Keeping, host: string, asked: readonly Follower[], doubted: readonly Doubt[]) {
  const parts = keeping.get(host) ?? new Map<AgentPart, string>()
  for (const { name } of asked) parts.delete(name)
  for (const { name, reason } of doubted) parts.set(name, reason)
  keeping.set(host, parts)
}

/** Agents that come for the first time, or whose host is met at another address now: the hosts that know it hear of that. */
async function register(
  tx: NetworkDb,
  host: string,
  tunnelIp: string | null,
  mappings: string,
  agents: readonly AgentReport[],
) {
  for (const row of await listRows(tx, 'agents', { host }))
    await updateRow(tx, 'agents', row.id, { tunnel_ip: tunnelIp })
  for (const agent of agents) {
    const now = Date.now()
    // False where it is known already.
    await insertRow(tx, 'agents', {
      id: crypto.randomUUID(),
      agent_type: agent.agentType,
      host,
      admin_state_up: 1,
      started_at: now,
      created_at: now,
      description: '',
      tunnel_ip: tunnelIp,
      mappings,
      ...heartbeatOf(agent),
    })
  }
}

/** What had to wait for this host's agents: ports that could not be bound, DHCP, routers. */
async function serveReturned(deps: NetworkDeps, host: string) {
  const { db } = deps.database
  const failed = await listRows(db, 'ports', { host_id: host, vif_type: 'binding_failed' })
  for (const port of failed) {
    await deps.change(async (tx) => {
      const network = await findRow(tx, 'networks', { id: port.network_id })
      if (!network) return
      const { vif_type } = await bind(tx, deps, network, host, port.vnic_type)
      await updateRow(tx, 'ports', port.id, { vif_type })
    })
  }
  await ensureAllDhcpPorts(deps)
  await placeRouters(deps)
}
