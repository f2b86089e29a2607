import type { Route } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import type { ImageDeps } from '../../deps.ts'
import { documentAnswer } from '../schemas/routes.ts'
import { namespaceRoutes } from './namespaces.ts'
import { objectRoutes } from './objects.ts'
import { propertyRoutes } from './properties.ts'
import { resourceTypeRoutes } from './resource-types.ts'
import { metadefDocuments } from './schema.ts'
import { tagRoutes } from './tags.ts'

const documents = Object.entries(metadefDocuments).map(([name, document]) =>
  route({
    method: 'GET',
    path: `/schemas/metadefs/${name}`,
    policy: null,
    answer: { 200: documentAnswer },
    handle: (_request) => ({ status: 200, body: document }),
  }),
)

/** Everything below /metadefs and its schemas. */
export const metadefRoutes: readonly Route<ImageDeps>[] = [
  ...namespaceRoutes,
  ...objectRoutes,
  ...propertyRoutes,
  ...resourceTypeRoutes,
  ...tagRoutes,
  ...documents,
]
