/** Neutron's agents of a host. */
import { join } from 'node:path'
import type { Logger } from '../../platform/log/log.ts'
import type { AgentEnv, RunningAgents } from '../../platform/service.ts'
import { createNetworkAgent } from './agent/agent.ts'
import { destroyNetworking } from './agent/destroy.ts'

const folderOf = ({ stateDir }: { stateDir: string }) => join(stateDir, 'network-agent')

/** They are one program: what a host has made is in one ledger, which one process keeps. */
const together = ['neutron-linuxbridge-agent', 'neutron-dhcp-agent', 'neutron-l3-agent', 'neutron-metadata-agent']

/** Starts them as soon as this host may be changed. Throws where not all of them are wanted. */
export async function startAgents(env: AgentEnv): Promise<RunningAgents> {
  const { host, bus, roles } = env
  const missing = together.filter((role) => !roles.includes(role))
  if (missing.length > 0)
    throw new Error(`the network agents of a host run in one process: name ${missing.join(', ')}, too`)
  const agent = createNetworkAgent({
    host,
    bus,
    stateDir: folderOf(env),
    cloudName: env.cloudName,
    log: env.logOf('neutron-agent'),
    bridgeMappings: env.bridges.mappings,
    ownBridges: env.bridges.own,
    localIp: '127.0.0.1',
    metadataUrl: env.urlOf('metadata'),
    metadataSecret: env.secretOf('metadata'),
    onHealth: (role, error) => env.report(role, 'up', error),
  })
  let isStarted = false
  void env.admitted.then(async () => {
    if (env.stopping.aborted) return
    isStarted = true
    bus.onConnect(() => agent.look())
    await agent.start()
    for (const role of roles) env.report(role, 'up', null)
  })
  return { stop: async () => void (isStarted && (await agent.stop())) }
}

/** Removes every device, namespace, process and filter that they have made. */
export const clearHost = (env: { stateDir: string; log: Logger }): Promise<void> =>
  destroyNetworking({ stateDir: folderOf(env), log: env.log })
