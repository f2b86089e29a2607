import { PolicyEnforcer } from '../../platform/auth/policy.ts'
import { loadConfig } from '../../platform/config/config.ts'
import { openDatabase } from '../../platform/db/database.ts'
import { migrate } from '../../platform/db/migrate.ts'
import { createApp } from '../../platform/http/app.ts'
import { ServiceClient } from '../../platform/http/client.ts'
import { BadRequest, reasonOf } from '../../platform/http/errors.ts'
import type { Route } from '../../platform/http/route.ts'
import type { ApiDefinition } from '../../platform/http/service.ts'
import { rpcServe } from '../../platform/rpc/contract.ts'
import type { RunningService, ServiceEnv } from '../../platform/service.ts'
import { agentRoutes } from './api/agents.ts'
import { documentRoutes, rootRoutes } from './api/documents.ts'
import { floatingIpRoutes } from './api/floating-ips.ts'
import { networkRoutes } from './api/networks.ts'
import { portRoutes } from './api/ports.ts'
import { routerRoutes } from './api/routers.ts'
import { securityGroupRoutes } from './api/security-groups.ts'
import { subnetRoutes } from './api/subnets.ts'
import { options } from './config.ts'
import type { NetworkDeps } from './deps.ts'
import { policies } from './policies.ts'
import { networkAgentContract, neutronContract } from './rpc/host-state.ts'
import { agentHandlers } from './server/agent-rpc.ts'
import { ComputeNotifier } from './server/compute-notifier.ts'
import { raiseRevision } from './server/revision.ts'
import { initial } from './store/migrations/0001-initial.ts'
import { poolsAndTags } from './store/migrations/0002-pools-and-tags.ts'
import type { NetworkSchema } from './store/tables.ts'

export const definition: ApiDefinition = {
  type: 'network',
  basePaths: ['/v2.0'],
  envelope: ({ status, message, code }) => ({
    NeutronError: { type: code ?? `HTTP${reasonOf(status).replaceAll(' ', '')}`, message, detail: '' },
  }),
  invalid({ path, message }) {
    const field = path.at(-1) ?? 'body'
    const unknown = /^Additional properties are not allowed \('(.+)' was unexpected\)$/.exec(message)?.[1]
    return new BadRequest(
      unknown === undefined
        ? `Invalid input for ${field}. Reason: ${message}.`
        : `Unrecognized attribute(s) '${unknown}'`,
      { code: 'HTTPBadRequest' },
    )
  },
}

export const routes: readonly Route<NetworkDeps>[] = [
  ...networkRoutes,
  ...subnetRoutes,
  ...portRoutes,
  ...routerRoutes,
  ...floatingIpRoutes,
  ...securityGroupRoutes,
  ...agentRoutes,
  ...documentRoutes,
]

/** neutron-server. */
export async function createNetworkService(env: ServiceEnv): Promise<RunningService> {
  const config = loadConfig(options, env.configFiles)
  const database = openDatabase<NetworkSchema>(config.connection || env.databaseUrl)
  await migrate(database, [initial, poolsAndTags])
  const notifier = new ComputeNotifier(new ServiceClient('compute', env.connect('compute'), env.serviceToken), env.log)
  const lookSoon = debounced(2, () => void env.bus.fanout(networkAgentContract.topic, 'look', {}))
  const deps: NetworkDeps = {
    database,
    config,
    log: env.log,
    async change(work) {
      const result = await database.transaction(async (tx) => {
        const value = await work(tx)
        await raiseRevision(tx, database.engine)
        return value
      })
      lookSoon()
      return result
    },
    notifyCompute: (events) => notifier.notify(events),
  }
  const app = createApp<NetworkDeps>({
    definition,
    routes,
    rootRoutes,
    deps,
    enforcer: new PolicyEnforcer(
      policies,
      env.policyOverrides,
      (denied) => `rule:${denied.name} is disallowed by policy`,
    ),
    authenticator: env.authenticator,
    log: env.log,
    baseUrl: env.baseUrl,
    authUrl: env.authUrl,
  })
  let stopServing = () => {}
  return {
    apps: { network: app },
    async start() {
      stopServing = rpcServe(env.bus, neutronContract, env.host, agentHandlers(deps))
    },
    async stop() {
      stopServing()
      await database.close()
    },
  }
}

/** Many calls within `ms` become one. */
function debounced(ms: number, work: () => void): () => void {
  let timer: NodeJS.Timeout | undefined
  return () => {
    timer ??= setTimeout(() => {
      timer = undefined
      work()
    }, ms)
  }
}
