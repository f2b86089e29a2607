/** The linuxbridge mechanism driver: a port is bound where a live agent can reach its network. */
import type { NetworkDeps } from '../deps.ts'
import { findRow, listRows, parseList, type NetworkDb, type Row } from '../store/rows.ts'

export const isAlive = (agent: Row<'agents'>, { config }: Pick<NetworkDeps, 'config'>): boolean =>
  Date.now() - Number(agent.heartbeat_at) < config.agentDownTime * 1000

const bridged = ['flat', 'vlan', 'vxlan', 'local']

/** `bridge`, `binding_failed`, or `unbound` without a host. */
export async function bind(tx: NetworkDb, deps: NetworkDeps, network: Row<'networks'>, host: string): Promise<string> {
  if (host === '') return 'unbound'
  const agent = await findRow(tx, 'agents', { agent_type: 'Linux bridge agent', host })
  if (!agent || !isAlive(agent, deps) || agent.admin_state_up === 0 || !bridged.includes(network.network_type))
    return 'binding_failed'
  if (network.network_type === 'vxlan') return agent.tunnel_ip === null ? 'binding_failed' : 'bridge'
  if (network.network_type === 'local') return 'bridge'
  return parseList<string>(agent.mappings).includes(network.physical_network ?? '') ? 'bridge' : 'binding_failed'
}

/** Host of the least loaded live agent of a kind; undefined when none lives. */
export async function pickHost(
  tx: NetworkDb,
  deps: NetworkDeps,
  agentType: 'DHCP agent' | 'L3 agent',
): Promise<string | undefined> {
  const agents = (await listRows(tx, 'agents', { agent_type: agentType })).filter(
    (agent) => isAlive(agent, deps) && agent.admin_state_up === 1,
  )
  const owner = agentType === 'DHCP agent' ? 'network:dhcp' : 'network:router_gateway'
  const ports = await listRows(tx, 'ports', { device_owner: owner })
  const load = (host: string) => ports.filter((port) => port.host_id === host).length
  return agents.toSorted((a, b) => load(a.host) - load(b.host))[0]?.host
}
