/** Versions, schemas and what the stores and imports offer. */
import { route, type ApiRequest, type Route } from '../../../platform/http/route.ts'
import type { ImageDeps } from '../deps.ts'
import { imageSchema, memberSchema } from './images/schema.ts'

const ids = ['v2.15', 'v2.13', 'v2.9', 'v2.7', 'v2.6', 'v2.5', 'v2.4', 'v2.3', 'v2.2', 'v2.1', 'v2.0']

const versions = (status: number, path: string) =>
  route({
    method: 'GET',
    path,
    policy: null,
    auth: 'none',
    handle: ({ baseUrl }: ApiRequest<never>) => ({
      status,
      body: {
        versions: ids.map((id, index) => ({
          id,
          status: index === 0 ? 'CURRENT' : 'SUPPORTED',
          links: [{ rel: 'self', href: `${baseUrl}/v2/` }],
        })),
      },
    }),
  })

const listOf = (name: string, item: object) => ({
  name,
  properties: {
    [name]: { type: 'array', items: item },
    first: { type: 'string' },
    next: { type: 'string' },
    schema: { type: 'string' },
  },
  links: [
    { rel: 'first', href: '{first}' },
    { rel: 'next', href: '{next}' },
    { rel: 'describedby', href: '{schema}' },
  ],
})

const documents: Record<string, object> = {
  image: imageSchema,
  images: listOf('images', imageSchema),
  member: memberSchema,
  members: {
    name: 'members',
    properties: { members: { type: 'array', items: memberSchema }, schema: { type: 'string' } },
  },
}

const schemas = Object.entries(documents).map(([name, document]) =>
  route({ method: 'GET', path: `/schemas/${name}`, policy: null, handle: () => ({ status: 200, body: document }) }),
)

const stores = route({
  method: 'GET',
  path: '/info/stores',
  policy: null,
  handle: () => ({ status: 200, body: { stores: [{ id: 'file', default: 'true' }] } }),
})

const imports = route({
  method: 'GET',
  path: '/info/import',
  policy: null,
  // Nothing is imported yet: clients upload directly when the list is empty.
  handle: () => ({
    status: 200,
    body: { 'import-methods': { description: 'Import methods available.', type: 'array', value: [] } },
  }),
})

export const rootRoutes = [versions(300, '/'), versions(200, '/versions')] as Route<ImageDeps>[]
export const documentRoutes = [...schemas, stores, imports] as Route<ImageDeps>[]
