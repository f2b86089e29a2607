import { join } from 'node:path'
import { PolicyEnforcer } from '../../platform/auth/policy.ts'
import { loadConfig } from '../../platform/config/config.ts'
import { openDatabase } from '../../platform/db/database.ts'
import { migrate } from '../../platform/db/migrate.ts'
import { createApp } from '../../platform/http/app.ts'
import { BadRequest, reasonOf } from '../../platform/http/errors.ts'
import type { Route } from '../../platform/http/route.ts'
import type { ApiDefinition } from '../../platform/http/service.ts'
import type { RunningService, ServiceEnv } from '../../platform/service.ts'
import { documentRoutes, rootRoutes } from './api/documents.ts'
import { imageRoutes } from './api/images/routes.ts'
import { memberRoutes } from './api/members/routes.ts'
import { options } from './config.ts'
import type { ImageDeps } from './deps.ts'
import { cleanUp } from './operations/upload.ts'
import { policies } from './policies.ts'
import { FileStore } from './store/files.ts'
import { initial } from './store/migrations/0001-initial.ts'
import type { ImageSchema } from './store/tables.ts'

const escape = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

export const definition: ApiDefinition = {
  type: 'image',
  basePaths: ['/v2'],
  envelopeType: 'text/html; charset=UTF-8',
  // Glance answers errors as pages, which its clients take the message from.
  envelope: ({ status, message }) =>
    `<html>\n <head>\n  <title>${status} ${reasonOf(status)}</title>\n </head>\n <body>\n  <h1>${status} ${reasonOf(status)}</h1>\n  ${escape(message)}<br /><br />\n\n\n </body>\n</html>`,
  invalid: ({ path, message }) =>
    new BadRequest(
      `Provided object does not match schema 'image': ${message}${path.length > 0 ? ` for property ${path.join('.')}` : ''}`,
    ),
}

export const routes: readonly Route<ImageDeps>[] = [...imageRoutes, ...memberRoutes, ...documentRoutes]

/** Glance. */
export async function createImageService(env: ServiceEnv): Promise<RunningService> {
  const config = loadConfig(options, env.configFiles)
  const database = openDatabase<ImageSchema>(config.connection || env.databaseUrl)
  await migrate(database, [initial])
  const deps: ImageDeps = {
    database,
    config,
    log: env.log,
    files: new FileStore(config.datadir || join(env.stateDir, 'images')),
  }
  await cleanUp(deps)
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
  return { apps: { image: app }, start: () => Promise.resolve(), stop: () => database.close() }
}
