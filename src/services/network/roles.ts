import { PolicyEnforcer } from '../../platform/auth/policy.ts'
import { loadConfig } from '../../platform/config/config.ts'
import { openDatabase } from '../../platform/db/database.ts'
import { leasesOf } from '../../platform/db/lease.ts'
import { migrateOpened } from '../../platform/db/migrate.ts'
import { purgeOlderThan } from '../../platform/db/purge.ts'
import { createApp } from '../../platform/http/app.ts'
import { ServiceClient } from '../../platform/http/client.ts'
import { startPeriodics } from '../../platform/periodic/periodic.ts'
import { rpcServe } from '../../platform/rpc/contract.ts'
import { forgetEvents } from '../../platform/saga/timeline.ts'
import { runningService, type RunningService, type ServiceEnv } from '../../platform/service.ts'
import { rootRoutes } from './api/documents.ts'
import { withJsonPaths } from './api/json-paths.ts'
import { options } from './config.ts'
import type { NetworkDeps } from './deps.ts'
import { denial, policies } from './policies.ts'
import { neutronContract } from './rpc/host-state.ts'
import { neutronOperatorContract } from './rpc/operator.ts'
import { agentHandlers, type Keeping, type Pulls } from './server/agent-rpc.ts'
import { epochOfStart } from './server/epochs.ts'
import { operatorHandlers } from './server/operator-rpc.ts'
import { ComputeNotifier } from './server/compute-notifier.ts'
import { LookTeller } from './server/look-teller.ts'
import { raiseHosts } from './server/revision.ts'
import { keepJournal } from './store/journal.ts'
import { migrations } from './store/migrations.ts'
import type { NetworkSchema } from './store/tables.ts'
import { definition } from './api/definition.ts'
import { routes } from './api/routes.ts'

const purgeMs = 600_000

/** What runs of neutron in a process, agents aside: neutron-server. */
export async function openNetworkService(env: ServiceEnv): Promise<RunningService> {
  const config = loadConfig('neutron', options, env.configFiles, (text) => env.log.warn({}, text))
  const database = openDatabase<NetworkSchema>(config.connection || env.databaseUrl, {
    isDurable: config.sqliteSynchronous,
  })
  await migrateOpened(database, migrations)
  const epoch = await epochOfStart(database, env.log)
  const notifier = new ComputeNotifier(new ServiceClient('compute', env.connect('compute'), env.serviceToken), env.log)
  const pulls: Pulls = { lastMs: 0, hosts: new Set() }
  const looks = new LookTeller(env.bus, () => pulls.lastMs)
  const deps: NetworkDeps = {
    database,
    config,
    log: env.log,
    async change(work) {
      await epoch()
      const { value, hosts } = await database.transaction(async (tx) => {
        const journal = keepJournal(tx)
        return { value: await work(tx), hosts: await raiseHosts(tx, database.engine, journal, pulls.hosts.size) }
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
  const keeping: Keeping = new Map()
  const roles = {
    'neutron-server': async () => {
      await leases.start()
      const stops = [
        rpcServe(env.bus, neutronContract, env.host, agentHandlers(deps, pulls, keeping, epoch)),
        rpcServe(env.bus, neutronOperatorContract, env.host, operatorHandlers(deps, keeping)),
        startPeriodics({ database, leases, log: env.log }, [
          { name: 'remove old rows', everyMs: purgeMs, run: forget },
        ]),
      ]
      return async () => {
        for (const stop of stops) await stop()
        await leases.stop()
      }
    },
  }
  return runningService({ network: withJsonPaths(app) }, roles, () => database.close())
}
