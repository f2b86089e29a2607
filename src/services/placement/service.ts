import { PolicyEnforcer } from '../../platform/auth/policy.ts'
import { loadConfig } from '../../platform/config/config.ts'
import { openDatabase } from '../../platform/db/database.ts'
import { migrate } from '../../platform/db/migrate.ts'
import { createApp } from '../../platform/http/app.ts'
import { BadRequest, reasonOf } from '../../platform/http/errors.ts'
import { route, type Route } from '../../platform/http/route.ts'
import type { ApiDefinition } from '../../platform/http/service.ts'
import type { RunningService, ServiceEnv } from '../../platform/service.ts'
import { aggregateRoutes } from './api/aggregates.ts'
import { allocationRoutes } from './api/allocations.ts'
import { inventoryRoutes } from './api/inventories.ts'
import { providerRoutes } from './api/providers.ts'
import { classRoutes } from './api/resource-classes.ts'
import { traitRoutes } from './api/traits.ts'
import { options } from './config.ts'
import type { PlacementDeps } from './deps.ts'
import { policies } from './policies.ts'
import { initial } from './store/migrations/0001-initial.ts'
import type { PlacementSchema } from './store/tables.ts'
import { versions } from './versions.ts'

export const definition: ApiDefinition = {
  type: 'placement',
  basePaths: [''],
  microversions: { table: versions },
  envelope: (error, requestId) => ({
    errors: [
      {
        status: error.status,
        title: reasonOf(error.status),
        detail: error.message,
        code: error.code ?? 'placement.undefined_code',
        request_id: requestId,
      },
    ],
  }),
  invalid: ({ message }, where) =>
    new BadRequest(`${where === 'body' ? 'JSON does not validate' : 'Invalid query string parameters'}: ${message}`),
}

const showVersions = route({
  method: 'GET',
  path: '/',
  policy: null,
  auth: 'none',
  handle: () => ({
    status: 200,
    body: {
      versions: [
        {
          id: 'v1.0',
          min_version: versions.min,
          max_version: versions.max,
          status: 'CURRENT',
          links: [{ rel: 'self', href: '' }],
        },
      ],
    },
  }),
})

export const routes: readonly Route<PlacementDeps>[] = [
  ...providerRoutes,
  ...inventoryRoutes,
  ...traitRoutes,
  ...classRoutes,
  ...aggregateRoutes,
  ...allocationRoutes,
]

/** Placement. */
export async function createPlacementService(env: ServiceEnv): Promise<RunningService> {
  const config = loadConfig(options, env.configFiles)
  const database = openDatabase<PlacementSchema>(config.connection || env.databaseUrl)
  await migrate(database, [initial])
  const app = createApp<PlacementDeps>({
    definition,
    routes,
    rootRoutes: [showVersions] as Route<PlacementDeps>[],
    deps: { database, log: env.log },
    enforcer: new PolicyEnforcer(
      policies,
      env.policyOverrides,
      (denied) => `Policy does not allow ${denied.name} to be performed.`,
    ),
    authenticator: env.authenticator,
    log: env.log,
    baseUrl: env.baseUrl,
    authUrl: env.authUrl,
  })
  return { apps: { placement: app }, start: () => Promise.resolve(), stop: () => database.close() }
}
