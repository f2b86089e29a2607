import type { ApiResponse } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import { jsonHome, prefersHome } from './json-home.ts'

const version = (baseUrl: string) => ({
  id: 'v3.14',
  status: 'stable',
  updated: '2020-04-07T00:00:00Z',
  links: [{ rel: 'self', href: `${baseUrl}/v3/` }],
  'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
})

const vary = { Vary: 'X-Auth-Token' }
const home = (prefix?: string): ApiResponse => ({
  status: 200,
  headers: { ...vary, 'Content-Type': 'application/json-home' },
  body: jsonHome(prefix),
})

const listVersions = route({
  method: 'GET',
  path: '/',
  policy: null,
  auth: 'none',
  handle: ({ baseUrl, headers }) =>
    prefersHome(headers.accept)
      ? home('/v3')
      : {
          status: 300,
          headers: { ...vary, Location: `${baseUrl}/v3/` },
          body: { versions: { values: [version(baseUrl)] } },
        },
})

const showVersion = route({
  method: 'GET',
  path: '/v3',
  policy: null,
  auth: 'none',
  handle: ({ baseUrl, headers }) =>
    prefersHome(headers.accept) ? home() : { status: 200, headers: vary, body: { version: version(baseUrl) } },
})

export const versionRoutes = [listVersions, showVersion]
