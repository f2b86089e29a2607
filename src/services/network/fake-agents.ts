/** A host without a data plane: its agents are alive, and every port bound to it is wired the moment it is seen. */
import { rpcClient, rpcServe, type Bus } from '../../platform/rpc/contract.ts'
import type { FakeAgentEnv, RunningAgents } from '../../platform/service.ts'
import { networkAgentContract, neutronContract } from './rpc/host-state.ts'

const heartbeatMs = 10_000

const agents = [
  { agentType: 'Linux bridge agent', binary: 'neutron-linuxbridge-agent' },
  { agentType: 'DHCP agent', binary: 'neutron-dhcp-agent' },
  { agentType: 'L3 agent', binary: 'neutron-l3-agent' },
  { agentType: 'Metadata agent', binary: 'neutron-metadata-agent' },
].map((agent) => ({ ...agent, configurations: {}, error: null }))

/** Starts the agents of `host`; `bus` must speak as that host. Returns how to stop them. */
export async function fakeAgent(bus: Bus, host: string): Promise<() => Promise<void>> {
  const server = rpcClient(bus, neutronContract)
  let revision: number | null = null
  let wired = new Set<string>()
  const stopping = new AbortController()
  let running: Promise<void> | undefined
  let isStale = false

  const converge = async (): Promise<void> => {
    const pulled = await server.pullPorts(null, { host, revision })
    if (pulled.ports === null) return
    const ports = new Set(pulled.ports)
    const up = [...ports].filter((id) => !wired.has(id))
    const down = [...wired].filter((id) => !ports.has(id))
    if (up.length + down.length > 0) await server.reportPorts(null, { host, up, down, errors: [] })
    // Only now: after a report that failed, the next pull must bring the same differences again.
    wired = ports
    revision = pulled.revision
  }
  // One pull at a time; what is announced during a pull needs one more, however often it was announced.
  const look = async (): Promise<void> => {
    isStale = true
    running ??= (async () => {
      while (isStale && !stopping.signal.aborted) {
        isStale = false
        await converge()
      }
    })().finally(() => (running = undefined))
    return running
  }
  const beat = async (): Promise<void> => {
    await server.reportAgents(null, { host, tunnelIp: '127.0.0.1', bridgeMappings: ['provider'], agents })
    await look()
  }

  const unserve = rpcServe(bus, networkAgentContract, host, {
    look,
    // It has nothing that could be kept.
    followServer: async () => ({}),
  })
  // A server that is away is met again at the next beat.
  const timer = setInterval(() => void beat().catch(() => undefined), heartbeatMs)
  await beat().catch(() => undefined)
  return async () => {
    stopping.abort()
    clearInterval(timer)
    unserve()
    await running?.catch(() => undefined)
  }
}

/** All agents of a host that only pretends. */
export const startFakeAgents = async ({ bus, host }: FakeAgentEnv): Promise<RunningAgents> => ({
  stop: await fakeAgent(bus, host),
})
