import { PolicyEnforcer } from '../../../platform/auth/policy.ts'
import { createApp, type App } from '../../../platform/http/app.ts'
import type { Route } from '../../../platform/http/route.ts'
import type { ServiceEnv } from '../../../platform/service.ts'
import type { ComputeDeps } from '../deps.ts'
import { Invalid } from '../errors.ts'
import { definition } from './definition.ts'
import { withLegacyEndpoint } from './legacy.ts'
import { removedRoutes } from './removed/routes.ts'
import { routes } from './routes.ts'
import { rules } from './rules.ts'
import { versionRoutes } from './versions/routes.ts'

/** Nova's API. */
export function computeApp(deps: ComputeDeps, env: ServiceEnv): App {
  const api = createApp({
    parseProxyHeaders: deps.config.parseProxyHeaders,
    definition,
    routes: [...routes, ...removedRoutes].map(forOwnProject),
    rootRoutes: versionRoutes,
    deps,
    enforcer: new PolicyEnforcer(rules, env.policyOverrides),
    authenticator: env.authenticator,
    log: env.log,
    baseUrl: env.baseUrl,
    authUrl: env.authUrl,
  })
  return withLegacyEndpoint(api)
}

/** A project in the URL is the token's own: others are reached by parameters. */
const forOwnProject = (route: Route<ComputeDeps>): Route<ComputeDeps> => ({
  ...route,
  async admit(request, deps) {
    const { project_id: named }: { project_id?: string } = request.params
    const own = request.ctx.projectId
    if (named !== undefined && named !== own)
      throw new Invalid(
        `Malformed request URL: URL's project_id '${named}' doesn't match Context's project_id '${own ?? 'None'}'`,
      )
    await route.admit?.(request, deps)
  },
})
