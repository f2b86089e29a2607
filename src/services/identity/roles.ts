import { PolicyEnforcer } from '../../platform/auth/policy.ts'
import { createApp } from '../../platform/http/app.ts'
import type { Route } from '../../platform/http/route.ts'
import type { Authenticator } from '../../platform/http/service.ts'
import { leasesOf } from '../../platform/db/lease.ts'
import { startPeriodics } from '../../platform/periodic/periodic.ts'
import { runningService, type RunningService, type ServiceEnv } from '../../platform/service.ts'
import { versionRoutes } from './api/versions/routes.ts'
import type { IdentityDeps } from './deps.ts'
import { bootstrap, type BootstrapInput } from './operations/bootstrap.ts'
import { purge } from './operations/purge.ts'
import { endExpiredMemberships, membershipsMs } from './operations/expired-memberships.ts'
import { keyFolders, openIdentity } from './open.ts'
import { policies, unscopedPolicies } from './policies.ts'
import { requireUnsigned } from './tokens/delegation.ts'
import { watchKeys } from './tokens/key-watch.ts'
import { definition } from './api/definition.ts'
import { routes } from './api/routes.ts'

export interface IdentityService extends RunningService {
  /** Validates tokens inside this process: a token that was seen costs no query, a revocation counts at once. */
  readonly authenticator: Authenticator
  bootstrap(input: BootstrapInput): Promise<void>
}

const purgeMs = 600_000

/** What runs of keystone in a process: keystone-api. Throws when the key repository or the database cannot be used. */
export async function openIdentityService(env: ServiceEnv): Promise<IdentityService> {
  const { deps, feed, reload } = await openIdentity(env)
  const { tokens, database, config } = deps
  const authenticator: Authenticator = {
    validate: (token, { allowExpired = false } = {}) =>
      tokens.credentials(token, allowExpired ? config.allowExpiredWindow * 1000 : 0),
  }
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
  const roles = {
    'keystone-api': async () => {
      if (env.foundation) await bootstrap(deps, env.foundation())
      await feed.start()
      await leases.start()
      const stopPeriodics = startPeriodics({ database, leases, log: env.log }, [
        { name: 'end expired memberships', everyMs: membershipsMs, run: () => endExpiredMemberships(deps) },
        { name: 'remove old rows', everyMs: purgeMs, run: () => purge(deps) },
      ])
      const stopWatching = watchKeys(Object.values(keyFolders(config, env.stateDir)), reload, keysFailed)
      return async () => {
        await stopPeriodics()
        stopWatching()
        await leases.stop()
        await feed.stop()
      }
    },
    // The same API on its second port.
    'keystone-admin': async () => () => undefined,
  }
  const close = async () => {
    await deps.directories.close()
    await database.close()
  }
  return {
    ...runningService({ identity: app }, roles, close),
    authenticator,
    bootstrap: (input) => bootstrap(deps, input),
  }
}
