import { PolicyEnforcer } from '../../platform/auth/policy.ts'
import { createApp } from '../../platform/http/app.ts'
import { BadRequest, reasonOf, type ApiError } from '../../platform/http/errors.ts'
import type { Route } from '../../platform/http/route.ts'
import type { ApiDefinition, Authenticator } from '../../platform/http/service.ts'
import { leasesOf } from '../../platform/db/lease.ts'
import { startPeriodics } from '../../platform/periodic/periodic.ts'
import type { RunningService, ServiceEnv } from '../../platform/service.ts'
import { accessRuleRoutes } from './api/access-rules/routes.ts'
import { credentialRoutes } from './api/credentials/routes.ts'
import { ec2CredentialRoutes } from './api/ec2/credentials.ts'
import { signatureRoutes } from './api/ec2/tokens.ts'
import { revocationRoutes } from './api/revocation/routes.ts'
import { trustRoutes } from './api/trusts/routes.ts'
import { applicationCredentialRoutes } from './api/application-credentials/routes.ts'
import { grantRoutesOfAll } from './api/assignments/grants.ts'
import { listAssignmentsRoute } from './api/assignments/list.ts'
import { authRoutes } from './api/auth/routes.ts'
import { endpointFilterRoutes } from './api/catalog/endpoint-filters.ts'
import { endpointRoutes } from './api/catalog/endpoints.ts'
import { regionRoutes } from './api/catalog/regions.ts'
import { serviceRoutes } from './api/catalog/services.ts'
import { domainConfigRoutes } from './api/domains/config.ts'
import { domains } from './api/domains/resource.ts'
import { federationRoutes } from './api/federation/routes.ts'
import { groupRoutes } from './api/groups/routes.ts'
import { limitRoutes } from './api/limits/routes.ts'
import { policyRoutes } from './api/policies/routes.ts'
import { projectRoutes } from './api/projects/routes.ts'
import { resource } from './api/resource.ts'
import { impliedRoutes } from './api/roles/implied.ts'
import { roles } from './api/roles/resource.ts'
import { tokenRoutes } from './api/tokens/routes.ts'
import { userRoutes } from './api/users/routes.ts'
import { versionRoutes } from './api/versions/routes.ts'
import type { IdentityDeps } from './deps.ts'
import { bootstrap, type BootstrapInput } from './operations/bootstrap.ts'
import { purge } from './operations/purge.ts'
import { endExpiredMemberships, membershipsMs } from './operations/expired-memberships.ts'
import { keyFolders, openIdentity } from './open.ts'
import { policies, unscopedPolicies } from './policies.ts'
import { requireUnsigned } from './tokens/delegation.ts'
import { watchKeys } from './tokens/key-watch.ts'

/** Without the name that wraps an entity; a list of entities keeps it. */
const fieldOf = (path: readonly string[]): string =>
  (/^\d+$/.test(path[1] ?? '') ? path : path.slice(1)).join('/') || path[0]!

export const definition: ApiDefinition = {
  type: 'identity',
  basePaths: ['/v3'],
  envelope: (error: ApiError) => ({
    error: { code: error.status, message: error.message, title: reasonOf(error.status) },
  }),
  invalid: ({ path, message }) =>
    new BadRequest(path.length === 0 ? message : `Invalid input for field '${fieldOf(path)}': ${message}`),
}

export const routes: readonly Route<IdentityDeps>[] = [
  ...tokenRoutes,
  ...authRoutes,
  ...resource(domains),
  ...domainConfigRoutes,
  ...projectRoutes,
  ...userRoutes,
  ...groupRoutes,
  ...resource(roles),
  ...impliedRoutes,
  ...grantRoutesOfAll,
  listAssignmentsRoute,
  ...regionRoutes,
  ...serviceRoutes,
  ...endpointRoutes,
  ...endpointFilterRoutes,
  ...policyRoutes,
  ...applicationCredentialRoutes,
  ...limitRoutes,
  ...accessRuleRoutes,
  ...trustRoutes,
  ...credentialRoutes,
  ...ec2CredentialRoutes,
  ...signatureRoutes,
  ...revocationRoutes,
  ...federationRoutes,
] as readonly Route<IdentityDeps>[]

export interface IdentityService extends RunningService {
  /** Validates tokens inside this process: a token that was seen costs no query, a revocation counts at once. */
  readonly authenticator: Authenticator
  bootstrap(input: BootstrapInput): Promise<void>
}

const purgeMs = 600_000

/** Keystone. Throws when the key repository or the database cannot be used. */
export async function createIdentityService(env: ServiceEnv): Promise<IdentityService> {
  const { deps, feed, reload } = await openIdentity(env)
  const { tokens, database, config } = deps
  const authenticator: Authenticator = { validate: (token) => tokens.credentials(token) }
  const ownAuthenticator: Authenticator = {
    async validate(token) {
      const valid = await tokens.validate(token)
      if (valid) requireUnsigned(valid)
      return valid ? tokens.credentials(token) : null
    },
  }
  const denial = (denied: { name: string }) => `You are not authorized to perform the requested action: ${denied.name}.`
  const app = createApp({
    parseProxyHeaders: config.parseProxyHeaders,
    definition,
    routes,
    rootRoutes: versionRoutes as readonly Route<IdentityDeps>[],
    deps,
    enforcer: new PolicyEnforcer(config.enforceScope ? policies : unscopedPolicies, env.policyOverrides, denial),
    authenticator: ownAuthenticator,
    log: env.log,
    baseUrl: config.publicEndpoint.replace(/\/$/, '') || env.baseUrl,
    authUrl: env.authUrl,
  })
  const leases = leasesOf(database, { log: env.log, owner: env.processName })
  const keysFailed = (error: unknown) => env.log.error({ err: error }, 'the keys cannot be read anew')
  const stops: (() => void | Promise<void>)[] = []
  return {
    apps: { identity: app },
    authenticator,
    bootstrap: (input) => bootstrap(deps, input),
    async start() {
      await feed.start()
      await leases.start()
      stops.push(
        startPeriodics({ database, leases, log: env.log }, [
          { name: 'end expired memberships', everyMs: membershipsMs, run: () => endExpiredMemberships(deps) },
          { name: 'remove old rows', everyMs: purgeMs, run: () => purge(deps) },
        ]),
      )
      stops.push(watchKeys(Object.values(keyFolders(config, env.stateDir)), reload, keysFailed))
    },
    async stop() {
      for (const stop of stops) await stop()
      await leases.stop()
      await feed.stop()
      await deps.directories.close()
      await database.close()
    },
  }
}
