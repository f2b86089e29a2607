/** Neutron's agents of a host: those of its roles that this process has. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../../platform/log/log.ts'
import type { AgentEnv, RunningAgents } from '../../platform/service.ts'
import { createNetworkAgent, type NetworkAgent, type NetworkAgentOptions } from './agent/agent.ts'
import { destroyNetworking } from './agent/destroy.ts'
import { agentParts, partsOf } from './rpc/parts.ts'

const pauseMs = 5000

const folderOf = ({ stateDir }: { stateDir: string }) => join(stateDir, 'network-agent')

/** Starts them as soon as this host may be changed, and again until it works. */
export async function startAgents(env: AgentEnv): Promise<RunningAgents> {
  // Asked now, so that what is missing is told before anything waits.
  const options = optionsOf(env)
  let agent: NetworkAgent | undefined
  env.bus.onConnect(() => agent?.look())
  void env.admitted.then(async () => {
    while (!env.stopping.aborted) {
      agent = createNetworkAgent(options)
      try {
        await agent.start()
        for (const role of env.roles) env.report(role, 'up', null)
        return
      } catch (error) {
        await agent.stop()
        for (const role of env.roles) env.report(role, 'down', String(error))
        await sleep(pauseMs, undefined, { signal: env.stopping }).catch(() => undefined)
      }
    }
  })
  return { stop: async () => void (await agent?.stop()) }
}

function optionsOf(env: AgentEnv): NetworkAgentOptions {
  const { host, bus, roles } = env
  const parts = partsOf(roles)
  return {
    host,
    bus,
    parts,
    stateDir: folderOf(env),
    cloudName: env.cloudName,
    // One file for a process; no other process has its first role.
    log: env.logOf(parts.length === agentParts.length ? 'neutron-agent' : roles[0]!),
    bridgeMappings: env.bridges.mappings,
    ownBridges: env.bridges.own,
    localIp: '127.0.0.1',
    ...(parts.includes('metadata') && {
      metadata: { url: env.urlOf('metadata'), secret: env.secretOf('metadata') },
    }),
    onHealth: (role, error) => env.report(role, 'up', error),
  }
}

/** Removes every device, namespace, process and filter that they have made. */
export const clearHost = (env: { stateDir: string; log: Logger }): Promise<void> =>
  destroyNetworking({ stateDir: folderOf(env), log: env.log })
