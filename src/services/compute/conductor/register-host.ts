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
    const was = known && known.host !== agent.host ? known.host : null
    if (obstacle === null) deps.held.release(agent.host)
    else deps.held.hold({ agent: { host: agent.host, id: agent.id }, was, obstacle })
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
export async function acceptHost(deps: ComputeDeps, host: string): Promise<void> {
  const held = deps.held.find(host)
  if (!held) throw new RpcError(`no agent waits to be accepted as host '${host}'; see nephos host`, 'NotFound')
  const { agent, was } = held
  await deps.database.transaction(async (tx) => {
    if (was !== null) await renameHost(tx, was, host)
    await saveAgent(tx, agent, deps.now())
  })
  deps.held.release(host)
  deps.log.warn({ host, agent: agent.id, was }, 'a host was accepted by an operator')
}
