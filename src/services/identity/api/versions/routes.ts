import { route } from '../../../../platform/http/route.ts'

const version = (baseUrl: string) => ({
  id: 'v3.14',
  status: 'stable',
  updated: '2020-04-07T00:00:00Z',
  links: [{ rel: 'self', href: `${baseUrl}/v3/` }],
  'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
})

const listVersions = route({
  method: 'GET',
  path: '/',
  policy: null,
  auth: 'none',
  handle: ({ baseUrl }) => ({
    status: 300,
    headers: { Location: `${baseUrl}/v3/`, Vary: 'X-Auth-Token' },
    body: { versions: { values: [version(baseUrl)] } },
  }),
})

const showVersion = route({
  method: 'GET',
  path: '/v3',
  policy: null,
  auth: 'none',
  handle: ({ baseUrl }) => ({ status: 200, headers: { Vary: 'X-Auth-Token' }, body: { version: version(baseUrl) } }),
})

export const versionRoutes = [listVersions, showVersion]
