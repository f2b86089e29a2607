import { PolicyEnforcer } from '../../platform/auth/policy.ts'
import { loadConfig } from '../../platform/config/config.ts'
import { openDatabase } from '../../platform/db/database.ts'
import { migrateOpened } from '../../platform/db/migrate.ts'
import { createApp } from '../../platform/http/app.ts'
import { withCors } from '../../platform/http/cors.ts'
import { runningService, type RunningService, type ServiceEnv } from '../../platform/service.ts'
import { withErrorPages } from './api/error-pages.ts'
import { showVersions } from './api/versions/routes.ts'
import { options } from './config.ts'
import type { PlacementDeps } from './deps.ts'
import { legacyOverrides, policies } from './policies.ts'
import { migrations } from './store/migrations.ts'
import { ProviderCache } from './store/provider-cache.ts'
import type { PlacementSchema } from './store/tables.ts'
import { definition } from './api/definition.ts'
import { routes } from './api/routes.ts'

/** What runs of placement in a process: placement-api. */
export async function openPlacementService(env: ServiceEnv): Promise<RunningService> {
  const config = loadConfig('placement', options, env.configFiles, (text) => env.log.warn({}, text))
  const database = openDatabase<PlacementSchema>(config.connection || env.databaseUrl, {
    isDurable: config.sqliteSynchronous,
  })
  if (config.syncOnStartup) await migrateOpened(database, migrations)
  const cache = new ProviderCache(database)
  const app = createApp<PlacementDeps>({
    parseProxyHeaders: config.parseProxyHeaders,
    definition,
    routes,
    rootRoutes: [showVersions],
    deps: {
      database,
      cache,
      log: env.log,
      settings: {
        isRandom: config.randomize,
        isBreadthFirst: config.strategy === 'breadth-first',
        maxCandidates: config.maxCandidates < 0 ? undefined : config.maxCandidates,
        incompleteProject: config.incompleteProject,
        incompleteUser: config.incompleteUser,
        enforceScope: config.enforceScope,
      },
    },
    enforcer: new PolicyEnforcer(
      policies,
      { ...(config.enforceNewDefaults ? {} : legacyOverrides), ...env.policyOverrides },
      (denied) => `Policy does not allow ${denied.name} to be performed.`,
    ),
    authenticator: env.authenticator,
    log: env.log,
    baseUrl: env.baseUrl,
    authUrl: env.authUrl,
  })
  const open = withCors(withErrorPages(app), {
    allowedOrigin: config.corsOrigins,
    allowCredentials: config.corsCredentials,
    exposeHeaders: config.corsExpose,
    allowHeaders: config.corsHeaders,
    allowMethods: config.corsMethods,
    maxAge: config.corsMaxAge,
  })
  const roles = {
    'placement-api': async () => {
      await cache.start()
      return () => cache.stop()
    },
  }
  return runningService({ placement: open }, roles, () => database.close())
}
