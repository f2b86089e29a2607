import { PolicyEnforcer } from '../../platform/auth/policy.ts'
import { isDatabaseDown } from '../../platform/db/database.ts'
import { createApp } from '../../platform/http/app.ts'
import { startPeriodics } from '../../platform/periodic/periodic.ts'
import { runningService, type RunningService, type ServiceEnv } from '../../platform/service.ts'
import { rootRoutes } from './api/documents.ts'
import type { ImageDeps } from './deps.ts'
import { openImage } from './open.ts'
import { purge } from './operations/purge.ts'
import { cleanUp } from './operations/remove-data.ts'
import { policies } from './policies.ts'
import { definition } from './api/definition.ts'
import { routes } from './api/routes.ts'

/** What runs of glance in a process: glance-api. */
export async function openImageService(env: ServiceEnv): Promise<RunningService> {
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
  const roles = {
    'glance-api': async () => {
      await leases.start()
      await cleanUp(deps).catch(cannotWrite)
      await sagas.resume(deps)
      cacheWorker.start()
      const stopPeriodics = startPeriodics({ database, leases, log }, [
        { name: 'clean up after the dead', everyMs: 60_000, run: () => cleanUp(deps) },
        { name: 'remove old rows', everyMs: 600_000, run: () => purge(deps) },
      ])
      return async () => {
        sagas.stop()
        await stopPeriodics()
        await transfers.cancelAll()
        await sagas.idle()
        await leases.stop()
        await cacheWorker.stop()
      }
    },
  }
  return runningService({ image: app }, roles, async () => {
    await digests.close()
    await database.close()
  })
}
