import { PolicyEnforcer } from '../../platform/auth/policy.ts'
import { loadConfig } from '../../platform/config/config.ts'
import { openDatabase } from '../../platform/db/database.ts'
import { migrate } from '../../platform/db/migrate.ts'
import { createApp } from '../../platform/http/app.ts'
import { withCors } from '../../platform/http/cors.ts'
import { ApiError, BadRequest, reasonOf } from '../../platform/http/errors.ts'
import type { Route } from '../../platform/http/route.ts'
import type { ApiDefinition } from '../../platform/http/service.ts'
import type { RunningService, ServiceEnv } from '../../platform/service.ts'
import { aggregateRoutes } from './api/aggregates/routes.ts'
import { candidateRoutes } from './api/allocation-candidates/routes.ts'
import { allocationRoutes } from './api/allocations/routes.ts'
import { withErrorPages } from './api/error-pages.ts'
import { invalid } from './api/invalid.ts'
import { inventoryRoutes } from './api/inventories/routes.ts'
import { reshaperRoutes } from './api/reshaper/routes.ts'
import { classRoutes } from './api/resource-classes/routes.ts'
import { providerRoutes } from './api/resource-providers/routes.ts'
import { showVersions } from './api/versions/routes.ts'
import { providerTraitRoutes } from './api/traits/of-provider.ts'
import { traitRoutes } from './api/traits/routes.ts'
import { usageRoutes } from './api/usages/routes.ts'
import { options } from './config.ts'
import type { PlacementDeps } from './deps.ts'
import { codes, detailOf } from './errors.ts'
import { legacyOverrides, policies } from './policies.ts'
import { migrations } from './store/migrations.ts'
import { ProviderCache } from './store/provider-cache.ts'
import type { PlacementSchema } from './store/tables.ts'
import { versions } from './versions.ts'

export const definition: ApiDefinition = {
  type: 'placement',
  basePaths: [''],
  queryForm: 'last',
  microversions: {
    table: versions,
    vary: 'openstack-api-version',
    refuse: (text, why) =>
      why === 'malformed'
        ? new BadRequest(`Invalid microversion: invalid version string: ${text}`)
        : new ApiError(406, `Invalid microversion: Unacceptable version header: ${text}`),
  },
  envelope: (error, requestId, version) => ({
    errors: [
      {
        status: error.status,
        title: reasonOf(error.status),
        detail: detailOf(error),
        ...(version?.has('error-codes') && { code: error.code?.startsWith('placement.') ? error.code : codes.default }),
        request_id: requestId,
        // Only a version that cannot be had is refused before there is one: then this tells which can.
        ...(error.status === 406 && !version && { max_version: versions.max, min_version: versions.min }),
      },
    ],
  }),
  invalid,
  malformed: (cause) => new BadRequest(`Malformed JSON: ${cause instanceof Error ? cause.message : String(cause)}`),
}

export const routes: readonly Route<PlacementDeps>[] = [
  ...providerRoutes,
  ...inventoryRoutes,
  ...usageRoutes,
  ...aggregateRoutes,
  ...providerTraitRoutes,
  ...traitRoutes,
  ...classRoutes,
  ...allocationRoutes,
  ...candidateRoutes,
  ...reshaperRoutes,
]

/** Placement. */
export async function createPlacementService(env: ServiceEnv): Promise<RunningService> {
  const config = loadConfig('placement', options, env.configFiles, (text) => env.log.warn({}, text))
  const database = openDatabase<PlacementSchema>(config.connection || env.databaseUrl, {
    isDurable: config.sqliteSynchronous,
  })
  if (config.syncOnStartup) await migrate(database, migrations)
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
  return {
    apps: { placement: open },
    start: () => cache.start(),
    async stop() {
      await cache.stop()
      await database.close()
    },
  }
}
