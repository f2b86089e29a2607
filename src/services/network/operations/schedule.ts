/** Which agents serve a network or carry a router: it is where their ports are, which may be chosen by hand. */
import type { NetworkDeps } from '../deps.ts'
import { conflict, notFound } from '../errors.ts'
import { bind, isAlive } from '../ml2/binding.ts'
import { markFloatingIpsDown } from '../store/floating-ips.ts'
import { findRow, listRows, updateRow, type NetworkDb, type Row } from '../store/rows.ts'
import { addDhcpPort } from './dhcp.ts'
import { removePort } from './ports.ts'

type Agent = Row<'agents'>
type Kind = 'DHCP agent' | 'L3 agent'

/** Of these routers, those whose host has an L3 agent that lives: the others carry nothing. */
export async function carriedRouters(
  db: NetworkDb,
  deps: Pick<NetworkDeps, 'config'>,
  ids: readonly string[],
): Promise<Set<string>> {
  const ports = (await listRows(db, 'ports', { device_id: [...new Set(ids)] })).filter(
    (port) => port.device_owner.startsWith('network:router_') && port.host_id !== '',
  )
  const agents = await listRows(db, 'agents', {
    agent_type: 'L3 agent',
    host: [...new Set(ports.map((port) => port.host_id))],
  })
  const alive = new Set(agents.filter((agent) => isAlive(agent, deps)).map((agent) => agent.host))
  return new Set(ports.filter((port) => alive.has(port.host_id)).map((port) => port.device_id))
}

/** Throws 404 unless it is an enabled agent of this kind that lives. */
function requireAgent(agent: Agent, kind: Kind, deps: Pick<NetworkDeps, 'config'>) {
  const isUsable = agent.agent_type === kind && agent.admin_state_up === 1 && isAlive(agent, deps)
  if (isUsable) return
  const name = kind === 'DHCP agent' ? 'DHCP Agent' : 'L3 Agent'
  const code = kind === 'DHCP agent' ? 'InvalidDHCPAgent' : 'InvalidL3Agent'
  const message = `Agent ${agent.id} is not a valid ${name} or has been disabled`
  throw kind === 'DHCP agent' ? notFound(code, message) : conflict(code, message)
}

const dhcpPorts = (db: NetworkDb, where: { network_id?: string; host_id?: string }) =>
  listRows(db, 'ports', { ...where, device_owner: 'network:dhcp' })

const routerPorts = async (db: NetworkDb, where: { device_id?: string; host_id?: string }) =>
  (await listRows(db, 'ports', where)).filter((port) => port.device_owner.startsWith('network:router_'))

/** Networks that a DHCP agent serves. */
export const networksOn = async (db: NetworkDb, agent: Agent): Promise<Row<'networks'>[]> =>
  agent.agent_type === 'DHCP agent'
    ? listRows(db, 'networks', { id: (await dhcpPorts(db, { host_id: agent.host })).map((port) => port.network_id) })
    : []

export async function routersOn(db: NetworkDb, agent: Agent): Promise<Row<'routers'>[]> {
  if (agent.agent_type !== 'L3 agent') return []
  const placed = new Set((await routerPorts(db, { host_id: agent.host })).map((port) => port.device_id))
  const chosen = await listRows(db, 'routers', { host_id: agent.host })
  return listRows(db, 'routers', { id: [...new Set([...placed, ...chosen.map(({ id }) => id)])] })
}

const agentsAt = (db: NetworkDb, kind: Kind, hosts: readonly string[]): Promise<Agent[]> =>
  listRows(db, 'agents', { agent_type: kind, host: [...new Set(hosts)] })

const hostsOf = (ports: readonly Row<'ports'>[]): string[] =>
  ports.map((port) => port.host_id).filter((host) => host !== '')

export const agentsOfNetwork = async (db: NetworkDb, id: string): Promise<Agent[]> =>
  agentsAt(db, 'DHCP agent', hostsOf(await dhcpPorts(db, { network_id: id })))

export async function agentsOfRouter(db: NetworkDb, id: string): Promise<Agent[]> {
  const chosen = (await findRow(db, 'routers', { id }))?.host_id ?? []
  return agentsAt(db, 'L3 agent', [...hostsOf(await routerPorts(db, { device_id: id })), ...[chosen].flat()])
}

/** One more agent serves the network, by a port of its own. */
export async function addNetwork(tx: NetworkDb, deps: NetworkDeps, agent: Agent, network: Row<'networks'>) {
  requireAgent(agent, 'DHCP agent', deps)
  if ((await dhcpPorts(tx, { network_id: network.id, host_id: agent.host })).length > 0)
    throw conflict(
      'NetworkHostedByDHCPAgent',
      `The network ${network.id} has been already hosted by the DHCP Agent ${agent.id}.`,
    )
  await addDhcpPort(tx, deps, network, agent.host)
}

export async function removeNetworkFrom(tx: NetworkDb, agent: Agent, networkId: string): Promise<void> {
  const [port] =
    agent.agent_type === 'DHCP agent' ? await dhcpPorts(tx, { network_id: networkId, host_id: agent.host }) : []
  if (!port)
    throw conflict(
      'NetworkNotHostedByDhcpAgent',
      `The network ${networkId} is not hosted by the DHCP agent ${agent.id}.`,
    )
  await removePort(tx, port)
}

/** Puts a router on the host of an agent; it must be taken from another one first. */
export async function addRouter(tx: NetworkDb, deps: NetworkDeps, agent: Agent, router: Row<'routers'>): Promise<void> {
  requireAgent(agent, 'L3 agent', deps)
  const ports = await routerPorts(tx, { device_id: router.id })
  const agents = await agentsOfRouter(tx, router.id)
  if (agents.some(({ id }) => id === agent.id)) return
  const [other] = agents
  if (other)
    throw conflict(
      'RouterHostedByL3Agent',
      `The router ${router.id} has been already hosted by the L3 Agent ${other.id}.`,
    )
  await updateRow(tx, 'routers', router.id, { host_id: agent.host })
  await place(tx, deps, ports, agent.host)
}

export async function removeRouterFrom(
  tx: NetworkDb,
  deps: NetworkDeps,
  agent: Agent,
  routerId: string,
): Promise<void> {
  requireKind(agent)
  if (!(await agentsOfRouter(tx, routerId)).some(({ id }) => id === agent.id))
    throw conflict('RouterNotHostedByL3Agent', `The router ${routerId} is not hosted by L3 agent ${agent.id}.`)
  await updateRow(tx, 'routers', routerId, { host_id: null })
  await markFloatingIpsDown(tx, routerId)
  await place(tx, deps, await routerPorts(tx, { device_id: routerId }), '')
}

function requireKind(agent: Agent) {
  if (agent.agent_type !== 'L3 agent')
    throw conflict('InvalidL3Agent', `Agent ${agent.id} is not a L3 Agent or has been disabled`)
}

async function place(tx: NetworkDb, deps: NetworkDeps, ports: readonly Row<'ports'>[], host: string): Promise<void> {
  for (const port of ports) {
    const network = (await findRow(tx, 'networks', { id: port.network_id }))!
    const { vif_type } = await bind(tx, deps, network, host)
    await updateRow(tx, 'ports', port.id, { host_id: host, vif_type, status: 'DOWN' })
  }
}
