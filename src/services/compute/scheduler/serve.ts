/** nova-scheduler: chooses hosts for those who ask over the bus. */
import { requireControl, rpcServe, type Bus } from '../../../platform/rpc/contract.ts'
import type { ComputeDeps } from '../deps.ts'
import { NoValidHost } from '../errors.ts'
import { schedulerContract } from '../rpc/scheduler.ts'
import { findServer } from '../store/servers.ts'
import { schedule } from './schedule.ts'

/** Serves the conductors; returns how to stop. */
export function serveScheduler(deps: ComputeDeps, bus: Bus, host: string): () => void {
  return rpcServe(bus, schedulerContract, host, {
    async selectDestination({ serverId, hints, triedHosts }, caller) {
      requireControl(caller)
      const server = await findServer(deps.database.db, serverId)
      if (!server) return { refused: `The server ${serverId} is gone.` }
      try {
        return { place: await schedule(deps, server, hints, triedHosts) }
      } catch (error) {
        if (error instanceof NoValidHost) return { refused: error.reason }
        throw error
      }
    },
  })
}
