/** Answers the operator's command; nobody else may decide what becomes of guests and hosts. */
import { requireOperator, rpcServe, type Bus } from '../../../platform/rpc/contract.ts'
import type { ComputeDeps } from '../deps.ts'
import { adoptGuest } from '../operations/adopt-guest.ts'
import { findUnknown, listUnknown } from '../operations/unknown-guests.ts'
import { operatorContract } from '../rpc/operator.ts'
import { acceptHost } from './register-host.ts'

/** Serves the command; returns how to stop. */
export function serveOperator(deps: ComputeDeps, bus: Bus, host: string): () => void {
  return rpcServe(bus, operatorContract, host, {
    async listGuests(_args, caller) {
      requireOperator(caller)
      return { guests: await listUnknown(deps) }
    },
    async adoptGuest({ id }, caller) {
      requireOperator(caller)
      return { host: await adoptGuest(deps, id) }
    },
    async removeGuest({ id }, caller) {
      requireOperator(caller)
      const { host: of } = findUnknown(deps, id)
      await deps.agents.removeGuest(of, { id })
      await deps.agents.look(of, {})
      return { host: of }
    },
    async listHeldHosts(_args, caller) {
      requireOperator(caller)
      return { hosts: deps.held.list().map(({ agent, was, obstacle }) => ({ host: agent.host, was, obstacle })) }
    },
    async acceptHost({ host: of }, caller) {
      requireOperator(caller)
      await acceptHost(deps, of)
      return {}
    },
  })
}
