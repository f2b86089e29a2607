import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { PolicyEnforcer } from '../../platform/auth/policy.ts'
import { loadConfig } from '../../platform/config/config.ts'
import { openDatabase } from '../../platform/db/database.ts'
import { migrate } from '../../platform/db/migrate.ts'
import { createApp } from '../../platform/http/app.ts'
import { BadRequest, reasonOf, type ApiError } from '../../platform/http/errors.ts'
import type { Route } from '../../platform/http/route.ts'
import type { ApiDefinition, Authenticator } from '../../platform/http/service.ts'
import type { RunningService, ServiceEnv } from '../../platform/service.ts'
import { applicationCredentialRoutes } from './api/application-credentials/routes.ts'
import { grantRoutesOfAll } from './api/assignments/grants.ts'
import { listAssignments } from './api/assignments/list.ts'
import { authRoutes } from './api/auth/routes.ts'
import { catalogRoutes } from './api/catalog.ts'
import { domains } from './api/domains/resource.ts'
import { groupRoutes } from './api/groups/routes.ts'
import { identityProviderRoutes } from './api/identity-providers/routes.ts'
import { limitRoutes } from './api/limits/routes.ts'
import { mappingRoutes } from './api/mappings/routes.ts'
import { protocolRoutes } from './api/protocols/routes.ts'
import { serviceProviderRoutes } from './api/service-providers/routes.ts'
import { projects } from './api/projects/resource.ts'
import { resource } from './api/resource.ts'
import { impliedRoutes } from './api/roles/implied.ts'
import { roles } from './api/roles/resource.ts'
import { tokenRoutes } from './api/tokens/routes.ts'
import { userRoutes } from './api/users/routes.ts'
import { versionRoutes } from './api/versions/routes.ts'
import { options } from './config.ts'
import type { IdentityDeps } from './deps.ts'
import { bootstrap, type BootstrapInput } from './operations/bootstrap.ts'
import { policies } from './policies.ts'
import { initial } from './store/migrations/0001-initial.ts'
import { federation } from './store/migrations/0003-federation.ts'
import type { IdentitySchema } from './store/tables.ts'
import { readKeys, setUpKeys } from './tokens/key-repository.ts'
import { TokenProvider } from './tokens/provider.ts'

export const definition: ApiDefinition = {
  type: 'identity',
  basePaths: ['/v3'],
  envelope: (error: ApiError) => ({
    error: { code: error.status, message: error.message, title: reasonOf(error.status) },
  }),
  invalid: ({ path, message }) =>
    new BadRequest(
      path.length === 0 ? message : `Invalid input for field '${path.slice(1).join('/') || path[0]}': ${message}`,
    ),
}

export const routes: readonly Route<IdentityDeps>[] = [
  ...tokenRoutes,
  ...authRoutes,
  ...resource(domains),
  ...resource(projects),
  ...userRoutes,
  ...groupRoutes,
  ...resource(roles),
  ...impliedRoutes,
  ...grantRoutesOfAll,
  listAssignments,
  ...catalogRoutes,
  ...applicationCredentialRoutes,
  ...limitRoutes,
  ...identityProviderRoutes,
  ...protocolRoutes,
  ...mappingRoutes,
  ...serviceProviderRoutes,
] as readonly Route<IdentityDeps>[]

export interface IdentityService extends RunningService {
  /** Validates tokens inside this process: a token that was seen costs no query, a revocation counts at once. */
  readonly authenticator: Authenticator
  bootstrap(input: BootstrapInput): Promise<void>
}

/** Keystone. Throws when the key repository or the database cannot be used. */
export async function createIdentityService(env: ServiceEnv): Promise<IdentityService> {
  mkdirSync(env.stateDir, { recursive: true, mode: 0o700 })
  const config = loadConfig(options, env.configFiles)
  const database = openDatabase<IdentitySchema>(config.connection || env.databaseUrl)
  await migrate(database, [initial, federation])
  const keys = config.keyRepository || join(env.stateDir, 'fernet-keys')
  if (config.keyRepository === '') setUpKeys(keys)
  const tokens = new TokenProvider(database, () => readKeys(keys))
  const authenticator: Authenticator = { validate: (token) => tokens.credentials(token) }
  const deps: IdentityDeps = {
    database,
    config,
    tokens,
    log: env.log,
    baseUrl: env.baseUrl,
    changed: () => tokens.changed(),
  }
  const denial = (denied: { name: string }) => `You are not authorized to perform the requested action: ${denied.name}.`
  const app = createApp({
    definition,
    routes,
    rootRoutes: versionRoutes as readonly Route<IdentityDeps>[],
    deps,
    enforcer: new PolicyEnforcer(policies, env.policyOverrides, denial),
    authenticator,
    log: env.log,
    baseUrl: env.baseUrl,
    authUrl: env.authUrl,
  })
  return {
    apps: { identity: app },
    authenticator,
    bootstrap: (input) => bootstrap(deps, input),
    async start() {
      // Revocations of tokens that have ended by themselves say nothing any more.
      await database.db.deleteFrom('revoked_tokens').where('expires_at', '<', Date.now()).execute()
    },
    stop: () => database.close(),
  }
}
