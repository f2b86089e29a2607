/** Answers the operator's command; nobody else may decide what becomes of guests and hosts. */
import { RpcError, rpcServe, type Bus, type Caller } from '../../../platform/rpc/contract.ts'
import type { ComputeDeps } from '../deps.ts'
import { adoptGuest } from '../operations/adopt-guest.ts'
import { findUnknown, listUnknown } from '../operations/unknown-guests.ts'
import { operatorContract, operatorName } from '../rpc/operator.ts'
import { acceptHost } from './register-host.ts'

/** Serves the command; returns how to stop. */
export function serveOperator(deps: ComputeDeps, bus: Bus, host: string): () => void {
  return rpcServe(bus, operatorContract, host, {
    async listGuests(_args, caller) {
      operator(caller)
      return { guests: await listUnknown(deps) }
    },
    async adoptGuest({ id }, caller) {
      operator(caller)
      return { host: await adoptGuest(deps, id) }
    },
    async removeGuest({ id }, caller) {
      operator(caller)
      const { host: of } = findUnknown(deps, id)
      await deps.agents.removeGuest(of, { id })
      await deps.agents.look(of, {})
      return { host: of }
    },
    async listHeldHosts(_args, caller) {
      operator(caller)
      return { hosts: deps.held.list().map(({ host: of, obstacle }) => ({ host: of, obstacle })) }
    },
    async acceptHost({ host: of }, caller) {
      operator(caller)
      return await acceptHost(deps, of)
    },
  })
}

function operator({ host }: Caller) {
  if (host !== operatorName) throw new RpcError(`host ${host} is not the operator`, 'Forbidden')
}
