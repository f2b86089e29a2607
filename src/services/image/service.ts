import { PolicyEnforcer } from '../../platform/auth/policy.ts'
import { isDatabaseDown } from '../../platform/db/database.ts'
import { createApp } from '../../platform/http/app.ts'
import { BadRequest, reasonOf } from '../../platform/http/errors.ts'
import type { Route } from '../../platform/http/route.ts'
import type { ApiDefinition } from '../../platform/http/service.ts'
import { startPeriodics } from '../../platform/periodic/periodic.ts'
import type { RunningService, ServiceEnv } from '../../platform/service.ts'
import { cacheRoutes } from './api/cache/routes.ts'
import { rootRoutes } from './api/documents.ts'
import { dataRoutes } from './api/images/data.ts'
import { importRoutes } from './api/images/imports.ts'
import { imageRoutes } from './api/images/routes.ts'
import { infoRoutes } from './api/info/routes.ts'
import { memberRoutes } from './api/members/routes.ts'
import { metadefRoutes } from './api/metadefs/routes.ts'
import { schemaRoutes } from './api/schemas/routes.ts'
import { taskRoutes } from './api/tasks/routes.ts'
import type { ImageDeps } from './deps.ts'
import { openImage } from './open.ts'
import { purge } from './operations/purge.ts'
import { cleanUp } from './operations/remove-data.ts'
import { policies } from './policies.ts'

const escape = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

export const definition: ApiDefinition = {
  type: 'image',
  basePaths: ['/v2'],
  hasStrictPaths: true,
  envelopeType: 'text/html; charset=UTF-8',
  // Glance answers errors as pages, which its clients take the message from.
  envelope: ({ status, message }) =>
    `<html>\n <head>\n  <title>${status} ${reasonOf(status)}</title>\n </head>\n <body>\n  <h1>${status} ${reasonOf(status)}</h1>\n  ${escape(message)}<br /><br />\n\n\n </body>\n</html>`,
  invalid: ({ path, message }) =>
    new BadRequest(
      `Provided object does not match schema 'image': ${message}${path.length > 0 ? ` for property ${path.join('.')}` : ''}`,
    ),
}

export const routes: readonly Route<ImageDeps>[] = [
  ...imageRoutes,
  ...dataRoutes,
  ...importRoutes,
  ...memberRoutes,
  ...taskRoutes,
  ...schemaRoutes,
  ...infoRoutes,
  ...cacheRoutes,
  ...metadefRoutes,
]

/** Glance. */
export async function createImageService(env: ServiceEnv): Promise<RunningService> {
  const deps = await openImage(env)
  const { database, leases, sagas, transfers, cacheWorker, digests, log } = deps
  const app = createApp<ImageDeps>({
    parseProxyHeaders: deps.config.parseProxyHeaders,
    definition,
    routes,
    rootRoutes,
    deps,
    enforcer: new PolicyEnforcer(
      policies,
      env.policyOverrides,
      () => 'You are not authorized to complete this action.',
    ),
    authenticator: env.authenticator,
    log: env.log,
    baseUrl: deps.config.publicEndpoint.replace(/\/$/, '') || env.baseUrl,
    authUrl: env.authUrl,
  })
  /** What cannot be removed for want of a database, as on a full disk, keeps nobody from reading: the next turn tries again. */
  const cannotWrite = (error: unknown) => {
    if (!isDatabaseDown(error)) throw error
    log.warn({ err: error }, 'what an earlier process left cannot be removed now')
  }
  let stopPeriodics: (() => Promise<void>) | undefined
  return {
    apps: { image: app },
    async start() {
      await leases.start()
      await cleanUp(deps).catch(cannotWrite)
      await sagas.resume(deps)
      cacheWorker.start()
      stopPeriodics = startPeriodics({ database, leases, log }, [
        { name: 'clean up after the dead', everyMs: 60_000, run: () => cleanUp(deps) },
        { name: 'remove old rows', everyMs: 600_000, run: () => purge(deps) },
      ])
    },
    async stop() {
      sagas.stop()
      await stopPeriodics?.()
      await transfers.cancelAll()
      await sagas.idle()
      await leases.stop()
      await cacheWorker.stop()
      await digests.close()
      await database.close()
    },
  }
}
