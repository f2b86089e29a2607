import { PolicyEnforcer } from '../../platform/auth/policy.ts'
import { isDatabaseDown } from '../../platform/db/database.ts'
import { createApp } from '../../platform/http/app.ts'
import { BadRequest, reasonOf } from '../../platform/http/errors.ts'
import type { Route } from '../../platform/http/route.ts'
import type { ApiDefinition } from '../../platform/http/service.ts'
import { every } from '../../platform/periodic.ts'
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

const minuteMs = 60_000

/** What cannot be removed for want of a database, as on a full disk, keeps nobody from reading: the next turn tries again. */
async function tryToCleanUp(deps: ImageDeps): Promise<boolean> {
  try {
    await cleanUp(deps)
    return true
  } catch (error) {
    if (!isDatabaseDown(error)) throw error
    deps.log.warn({ err: error }, 'what an earlier process left cannot be removed now')
    return false
  }
}

/** Glance. */
export async function createImageService(env: ServiceEnv): Promise<RunningService> {
  const deps = await openImage(env)
  const { database, sagas, transfers, cacheWorker, digests, log } = deps
  let isClean = await tryToCleanUp(deps)
  const app = createApp<ImageDeps>({
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
    baseUrl: env.baseUrl,
    authUrl: env.authUrl,
  })
  const stops: (() => Promise<void>)[] = []
  return {
    apps: { image: app },
    async start() {
      await sagas.resume(deps)
      cacheWorker.start()
      stops.push(every(10 * minuteMs, 'removing old rows', log, () => purge(deps)))
      const again = async () => void (isClean ||= await tryToCleanUp(deps))
      stops.push(every(minuteMs, 'removing what an earlier process left', log, again))
    },
    async stop() {
      for (const stop of stops) await stop()
      sagas.stop()
      await transfers.cancelAll()
      await sagas.idle()
      await cacheWorker.stop()
      await digests.close()
      await database.close()
    },
  }
}
