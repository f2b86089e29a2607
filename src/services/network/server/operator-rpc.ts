import { requireOperator, type RpcHandlers } from '../../../platform/rpc/contract.ts'
import type { NetworkDeps } from '../deps.ts'
import type { neutronOperatorContract } from '../rpc/operator.ts'
import { renameHost } from '../store/hosts.ts'

/** neutron-server's end of the operator's command; `keeping` has the hosts in doubt with the reason. */
export function operatorHandlers(
  deps: NetworkDeps,
  keeping: ReadonlyMap<string, string>,
): RpcHandlers<typeof neutronOperatorContract> {
  return {
    async listKeepingHosts(_args, caller) {
      requireOperator(caller)
      return { hosts: [...keeping].map(([host, reason]) => ({ host, reason })) }
    },
    async renameHost({ from, to }, caller) {
      requireOperator(caller)
      await deps.change((tx) => renameHost(tx, from, to))
      deps.log.warn({ from, to }, 'a host was renamed by an operator')
      return {}
    },
  }
}
