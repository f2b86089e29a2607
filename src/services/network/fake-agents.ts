/** A host without a data plane: its agents are alive, and every port bound to it is wired the moment it is seen. */
import { rpcClient, rpcServe, type Bus } from '../../platform/rpc/contract.ts'
import type { FakeAgentEnv, RunningAgents } from '../../platform/service.ts'
import { agentContracts, neutronContract } from './rpc/host-state.ts'
import { agentParts, agentTypes, binaries, partsOf, type AgentPart } from './rpc/parts.ts'

const heartbeatMs = 10_000

/** Starts agents of `host`; `bus` must speak as that host. Returns how to stop them. */
export async function fakeAgent(
  bus: Bus,
  host: string,
  parts: readonly AgentPart[] = agentParts,
): Promise<() => Promise<void>> {
  const server = rpcClient(bus, neutronContract)
  const agents = parts.map((part) => ({
    agentType: agentTypes[part],
    binary: binaries[part],
    configurations: {},
    error: null,
  }))
  let revision: number | null = null
  let wired = new Set<string>()
  const stopping = new AbortController()
  let running: Promise<void> | undefined
  let isStale = false

  const converge = async (): Promise<void> => {
    const pulled = await server.pullPorts(null, { host, revision, parts: [...parts] })
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

  const unserve = parts.map((part, index) =>
    rpcServe(bus, agentContracts[part], host, {
      // One listens for all: they are told together.
      look: async () => (index === 0 ? look() : undefined),
      // It has nothing that could be kept.
      followServer: async () => ({}),
    }),
  )
  // A server that is away is met again at the next beat.
  const timer = setInterval(() => void beat().catch(() => undefined), heartbeatMs)
  await beat().catch(() => undefined)
  return async () => {
    stopping.abort()
    clearInterval(timer)
    for (const stop of unserve) stop()
    await running?.catch(() => undefined)
  }
}

/** Those agents of a host that only pretends which this process has. */
export const startFakeAgents = async ({ bus, host, roles }: FakeAgentEnv): Promise<RunningAgents> => ({
  stop: await fakeAgent(bus, host, partsOf(roles)),
})
