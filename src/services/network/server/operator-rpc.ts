import { requireOperator, type RpcHandlers } from '../../../platform/rpc/contract.ts'
import type { NetworkDeps } from '../deps.ts'
import type { neutronOperatorContract } from '../rpc/operator.ts'
import { renameHost } from '../store/hosts.ts'
import type { Keeping } from './agent-rpc.ts'

/** neutron-server's end of the operator's command. */
export function operatorHandlers(deps: NetworkDeps, keeping: Keeping): RpcHandlers<typeof neutronOperatorContract> {
  return {
    async listKeepingHosts(_args, caller) {
      requireOperator(caller)
      const hosts = [...keeping].filter(([, parts]) => parts.size > 0)
      return {
        hosts: hosts.map(([host, parts]) => ({
          host,
          reason: [...new Set(parts.values())].join('; '),
          parts: [...parts.keys()],
        })),
      }
    },
    async renameHost({ from, to }, caller) {
      requireOperator(caller)
      await deps.change((tx) => renameHost(tx, from, to))
      deps.log.warn({ from, to }, 'a host was renamed by an operator')
      return {}
    },
  }
}
