import { setTimeout as sleep } from 'node:timers/promises'
import { RpcError } from '../../../platform/rpc/contract.ts'
import type { ComputeDeps } from '../deps.ts'
import { BuildFailed, NoValidHost } from '../errors.ts'
import type { Hints } from '../rpc/scheduler.ts'

/** As long as nova waits for an answer (`rpc_response_timeout`). */
const patienceMs = 60_000
const pauseMs = 500

/**
 * Has nova-scheduler choose a host and claim it. Throws NoValidHost with what stood in the way, and BuildFailed where no
 * scheduler has answered for a minute.
 */
export async function selectHost(
  { scheduler }: ComputeDeps,
  ask: { serverId: string; hints: Hints; triedHosts: string[] },
  signal: AbortSignal,
) {
  for (const deadline = performance.now() + patienceMs; ; await sleep(pauseMs, undefined, { signal })) {
    try {
      const answer = await scheduler.selectDestination(null, ask)
      if ('refused' in answer) throw new NoValidHost(answer.refused)
      return answer.place
    } catch (error) {
      const isAway = error instanceof RpcError && ['NoServer', 'Disconnected', 'Timeout'].includes(error.kind)
      if (!isAway) throw error
      if (performance.now() > deadline)
        throw new BuildFailed('No nova-scheduler answers.', `${error.message}; nephos status tells which roles run`)
    }
  }
}
