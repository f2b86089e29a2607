import { route } from '../../../../platform/http/route.ts'
import type { ComputeDeps } from '../../deps.ts'
import { versions } from '../../versions.ts'

const document = (baseUrl: string) => ({
  id: 'v2.1',
  status: 'CURRENT',
  version: versions.max,
  min_version: versions.min,
  updated: '2013-07-23T11:33:21Z',
  links: [{ rel: 'self', href: `${baseUrl}/v2.1/` }],
})

/** Version documents, open to everybody. */
export const versionRoutes = [
  route({
    method: 'GET',
    path: '/',
    policy: null,
    auth: 'none',
    handle: ({ baseUrl }, _deps: ComputeDeps) => ({ status: 200, body: { versions: [document(baseUrl)] } }),
  }),
  route({
    method: 'GET',
    path: '/v2.1',
    policy: null,
    auth: 'none',
    handle: ({ baseUrl }, _deps: ComputeDeps) => ({
      status: 200,
      body: {
        version: {
          ...document(baseUrl),
          links: [
            ...document(baseUrl).links,
            { rel: 'describedby', type: 'text/html', href: 'http://docs.openstack.org/' },
          ],
          'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.compute+json;version=2.1' }],
        },
      },
    }),
  }),
]
