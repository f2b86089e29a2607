/** The linuxbridge mechanism driver: a port is bound where a live agent can reach its network. */
import { ageOf } from '../../../base/clock.ts'
import { recordEvent } from '../../../platform/saga/timeline.ts'
import type { NetworkDeps } from '../deps.ts'
import { findRow, listRows, parseList, type NetworkDb, type Row } from '../store/rows.ts'

export const isAlive = (agent: Row<'agents'>, { config }: Pick<NetworkDeps, 'config'>): boolean =>
  ageOf(Number(agent.heartbeat_at)) < config.agentDownTime * 1000

/** What a host without word of its own is taken to be able to do. */
export const usualTypes: readonly string[] = ['flat', 'vlan', 'vxlan', 'local']

/** The network types that a host's agent says it can wire. */
export function typesOf(agent: Row<'agents'>): readonly string[] {
  const { network_types: types = usualTypes } = JSON.parse(agent.configurations) as { network_types?: string[] }
  return types
}

export interface Binding {
  vif_type: 'bridge' | 'binding_failed' | 'unbound'
  /** Why it failed, for whoever asks why his port is not there. */
  reason?: string
}

const refused = (reason: string): Binding => ({ vif_type: 'binding_failed', reason })

/** Binds a port of `network` to `host`, or says why not; without a host it stays unbound. */
export async function bind(
  tx: NetworkDb,
  deps: NetworkDeps,
  network: Row<'networks'>,
  host: string,
  vnicType = 'normal',
): Promise<Binding> {
  if (host === '') return { vif_type: 'unbound' }
  if (vnicType !== 'normal') return refused(`host ${host} has no cards for ports of vnic_type ${vnicType}`)
  const agent = await findRow(tx, 'agents', { agent_type: 'Linux bridge agent', host })
  if (!agent) return refused(`host ${host} has no Linux bridge agent`)
  if (!isAlive(agent, deps)) return refused(`the Linux bridge agent of host ${host} is down`)
  if (agent.admin_state_up === 0) return refused(`the Linux bridge agent of host ${host} is disabled`)
  const type = network.network_type
  const types = typesOf(agent)
  if (!types.includes(type))
    return refused(`host ${host} cannot wire networks of type ${type}, only ${types.join(', ')}`)
  if (type === 'vxlan' && agent.tunnel_ip === null) return refused(`host ${host} has no address for tunnels`)
  const physical = network.physical_network
  if (physical !== null && !parseList<string>(agent.mappings).includes(physical))
    return refused(`host ${host} has no bridge for the physical network ${physical}`)
  return { vif_type: 'bridge' }
}

/** Tells the port's timeline of a binding that failed. */
export async function noteBinding(tx: NetworkDb, portId: string, { reason }: Binding): Promise<void> {
  if (reason === undefined) return
  await recordEvent(tx, {
    resourceId: portId,
    requestId: null,
    at: Date.now(),
    what: 'binding',
    outcome: 'failed',
    detail: reason,
  })
}

/**
 * Host of the least loaded live agent of a kind, before others one where ports can be wired just now; undefined when
 * none lives.
 */
export async function pickHost(
  tx: NetworkDb,
  deps: NetworkDeps,
  agentType: 'DHCP agent' | 'L3 agent',
): Promise<string | undefined> {
  const usable = async (type: string) =>
    (await listRows(tx, 'agents', { agent_type: type })).filter(
      (agent) => isAlive(agent, deps) && agent.admin_state_up === 1,
    )
  const agents = await usable(agentType)
  const wiring = new Set((await usable('Linux bridge agent')).map(({ host }) => host))
  const owner = agentType === 'DHCP agent' ? 'network:dhcp' : 'network:router_gateway'
  const ports = await listRows(tx, 'ports', { device_owner: owner })
  const load = (host: string) => ports.filter((port) => port.host_id === host).length
  const isWired = (host: string) => Number(wiring.has(host))
  return agents.toSorted((a, b) => isWired(b.host) - isWired(a.host) || load(a.host) - load(b.host))[0]?.host
}
