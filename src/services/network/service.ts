import { PolicyEnforcer } from '../../platform/auth/policy.ts'
import { loadConfig } from '../../platform/config/config.ts'
import { openDatabase } from '../../platform/db/database.ts'
import { leasesOf } from '../../platform/db/lease.ts'
import { migrate } from '../../platform/db/migrate.ts'
import { purgeOlderThan } from '../../platform/db/purge.ts'
import { createApp } from '../../platform/http/app.ts'
import { ServiceClient } from '../../platform/http/client.ts'
import { reasonOf } from '../../platform/http/errors.ts'
import type { Route } from '../../platform/http/route.ts'
import type { ApiDefinition } from '../../platform/http/service.ts'
import { startPeriodics } from '../../platform/periodic/periodic.ts'
import { rpcServe } from '../../platform/rpc/contract.ts'
import { forgetEvents } from '../../platform/saga/timeline.ts'
import type { RunningService, ServiceEnv } from '../../platform/service.ts'
import { addressGroupRoutes } from './api/address-groups/routes.ts'
import { agentRoutes } from './api/agents.ts'
import { documentRoutes, rootRoutes } from './api/documents.ts'
import { floatingIpRoutes } from './api/floating-ips/routes.ts'
import { withJsonPaths } from './api/json-paths.ts'
import { invalid } from './api/kit/invalid.ts'
import { networkRoutes } from './api/networks/routes.ts'
import { bindingRoutes } from './api/ports/bindings.ts'
import { portRoutes } from './api/ports/routes.ts'
import { quotaRoutes } from './api/quotas.ts'
import { routerRoutes } from './api/routers/routes.ts'
import { schedulerRoutes } from './api/schedulers.ts'
import { defaultRuleRoutes } from './api/security-groups/default-rules.ts'
import { securityGroupRoutes, securityGroupRuleRoutes } from './api/security-groups/routes.ts'
import { addressScopeRoutes, subnetPoolRoutes } from './api/subnet-pools/routes.ts'
import { subnetRoutes } from './api/subnets/routes.ts'
import { topologyRoutes } from './api/topology.ts'
import { options } from './config.ts'
import type { NetworkDeps } from './deps.ts'
import { denial, policies } from './policies.ts'
import { neutronContract } from './rpc/host-state.ts'
import { neutronOperatorContract } from './rpc/operator.ts'
import { agentHandlers } from './server/agent-rpc.ts'
import { epochOfStart } from './server/epochs.ts'
import { operatorHandlers } from './server/operator-rpc.ts'
import { ComputeNotifier } from './server/compute-notifier.ts'
import { LookTeller } from './server/look-teller.ts'
import { raiseHosts } from './server/revision.ts'
import { keepJournal } from './store/journal.ts'
import { migrations } from './store/migrations.ts'
import type { NetworkSchema } from './store/tables.ts'

/** Upstream's exception name. A refusal by policy has the rule's name for the log; clients know one exception for all. */
const typeOf = (status: number, code: string | undefined): string =>
  status === 403 ? 'PolicyNotAuthorized' : (code ?? `HTTP${reasonOf(status).replaceAll(' ', '')}`)

export const definition: ApiDefinition = {
  type: 'network',
  basePaths: ['/v2.0'],
  envelope: ({ status, message, code }) => ({ NeutronError: { type: typeOf(status, code), message, detail: '' } }),
  invalid,
}

export const routes: readonly Route<NetworkDeps>[] = [
  ...networkRoutes,
  ...subnetRoutes,
  ...subnetPoolRoutes,
  ...addressScopeRoutes,
  ...portRoutes,
  ...bindingRoutes,
  ...routerRoutes,
  ...floatingIpRoutes,
  ...securityGroupRoutes,
  ...securityGroupRuleRoutes,
  ...defaultRuleRoutes,
  ...addressGroupRoutes,
  ...topologyRoutes,
  ...agentRoutes,
  ...schedulerRoutes,
  ...quotaRoutes,
  ...documentRoutes,
]

const purgeMs = 600_000

/** neutron-server. */
export async function createNetworkService(env: ServiceEnv): Promise<RunningService> {
  const config = loadConfig('neutron', options, env.configFiles, (text) => env.log.warn({}, text))
  const database = openDatabase<NetworkSchema>(config.connection || env.databaseUrl, {
    isDurable: config.sqliteSynchronous,
  })
  await migrate(database, migrations)
  const epoch = await epochOfStart(database, env.log)
  const notifier = new ComputeNotifier(new ServiceClient('compute', env.connect('compute'), env.serviceToken), env.log)
  const pulls = { lastMs: 0 }
  const looks = new LookTeller(env.bus, () => pulls.lastMs)
  const deps: NetworkDeps = {
    database,
    config,
    log: env.log,
    async change(work) {
      await epoch()
      const { value, hosts } = await database.transaction(async (tx) => {
        const journal = keepJournal(tx)
        return { value: await work(tx), hosts: await raiseHosts(tx, database.engine, journal) }
      })
      looks.tell(hosts)
      return value
    },
    lastAddresses: new Map(),
    notifyCompute: (events) => notifier.notify(events),
  }
  const app = createApp<NetworkDeps>({
    parseProxyHeaders: config.parseProxyHeaders,
    definition,
    routes,
    rootRoutes,
    deps,
    enforcer: new PolicyEnforcer(policies, env.policyOverrides, denial),
    authenticator: env.authenticator,
    log: env.log,
    baseUrl: env.baseUrl,
    authUrl: env.authUrl,
  })
  const forget = () => purgeOlderThan(config.purgeTimelineDays, (...old) => forgetEvents(database, ...old))
  const leases = leasesOf(database, { log: env.log, owner: env.processName })
  const keeping = new Map<string, string>()
  let stops: (() => void | Promise<void>)[] = []
  return {
    apps: { network: withJsonPaths(app) },
    async start() {
      await leases.start()
      stops = [
        rpcServe(env.bus, neutronContract, env.host, agentHandlers(deps, pulls, keeping, epoch)),
        rpcServe(env.bus, neutronOperatorContract, env.host, operatorHandlers(deps, keeping)),
        startPeriodics({ database, leases, log: env.log }, [
          { name: 'remove old rows', everyMs: purgeMs, run: forget },
        ]),
      ]
    },
    async stop() {
      for (const stop of stops) await stop()
      await leases.stop()
      await database.close()
    },
  }
}
