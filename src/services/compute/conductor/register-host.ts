/** Who speaks for a host: checked when its agent starts, decided by the operator where it is in doubt. */
import { RpcError } from '../../../platform/rpc/contract.ts'
import type { ComputeDeps } from '../deps.ts'
import { obstacleOf, type Introduction } from '../model/host-identity.ts'
import { findAgent, findAgentOfHost, lastSeen, readCloudId, renameHost, saveAgent } from '../store/agents.ts'

/** A stopped process would answer later: silence is no proof that nobody is there. */
const answerMs = 3000

/** Registers an agent, or says why it must not work. */
export async function registerHost(
  deps: ComputeDeps,
  agent: Introduction & { session: string },
): Promise<{ cloudId: string; obstacle: string | null }> {
  const isServed = await isServedByAnother(deps, agent)
  return await deps.database.transaction(async (tx) => {
    const cloudId = await readCloudId(tx)
    const known = await findAgent(tx, agent.id)
    const named = await findAgentOfHost(tx, agent.host)
    const lastSeenAt = await lastSeen(tx, agent.host)
    const obstacle = obstacleOf(agent, { cloudId, known, named, lastSeenAt, isServed })
    if (obstacle === null && !known) await saveAgent(tx, agent, deps.now())
    deps.held.note(agent, obstacle)
    return { cloudId, obstacle }
  })
}

async function isServedByAnother({ agents }: ComputeDeps, { host, session }: { host: string; session: string }) {
  try {
    return (await agents.whoServes(host, {}, { timeoutMs: answerMs })).session !== session
  } catch (error) {
    return error instanceof RpcError && error.kind === 'Timeout'
  }
}

/** The operator's word that the agent which waits under this name is the host's: what is kept of it follows. */
export async function acceptHost(deps: ComputeDeps, host: string): Promise<{ was: string | null }> {
  const agent = deps.held.find(host)
  if (!agent) throw new RpcError(`no agent waits to be accepted as host '${host}'`, 'NotFound')
  const was = await deps.database.transaction(async (tx) => {
    const known = await findAgent(tx, agent.id)
    if (known && known.host !== host) await renameHost(tx, known.host, host)
    await saveAgent(tx, agent, deps.now())
    return known && known.host !== host ? known.host : null
  })
  deps.log.warn({ host, agent: agent.id, was }, 'a host was accepted by an operator')
  return { was }
}
