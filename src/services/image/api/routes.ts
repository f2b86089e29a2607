import type { Route } from '../../../platform/http/route.ts'
import { cacheRoutes } from './cache/routes.ts'
import { dataRoutes } from './images/data.ts'
import { importRoutes } from './images/imports.ts'
import { imageRoutes } from './images/routes.ts'
import { infoRoutes } from './info/routes.ts'
import { memberRoutes } from './members/routes.ts'
import { metadefRoutes } from './metadefs/routes.ts'
import { schemaRoutes } from './schemas/routes.ts'
import { taskRoutes } from './tasks/routes.ts'
import type { ImageDeps } from '../deps.ts'

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
