/** Neutron's agents of a host. */
import { join } from 'node:path'
import type { AgentEnv, RunningAgents } from '../../platform/service.ts'
import { createNetworkAgent } from './agent/agent.ts'

/** Starts them as soon as this host may be changed. */
export async function startAgents(env: AgentEnv): Promise<RunningAgents> {
  const { host, bus, roles } = env
  const agent = createNetworkAgent({
    host,
    bus,
    stateDir: join(env.stateDir, 'network-agent'),
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
