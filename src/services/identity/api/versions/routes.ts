import { route } from '../route.ts'
import { jsonHome, prefersHome } from './json-home.ts'
import { Type } from 'typebox'
import { exactly } from '../../../../platform/http/answers.ts'
import { text } from '../answers.ts'

const version = (baseUrl: string) => ({
  id: 'v3.14',
  status: 'stable',
  updated: '2020-04-07T00:00:00Z',
  links: [{ rel: 'self', href: `${baseUrl}/v3/` }],
  'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
})

const versionAnswer = exactly({
  id: text,
  status: text,
  updated: text,
  links: Type.Array(exactly({ rel: text, href: text })),
  'media-types': Type.Array(exactly({ base: text, type: text })),
})
/** JSON Home, for who asks for it. */
const homeAnswer = exactly({ resources: Type.Record(text, Type.Unknown()) })
const showAnswer = Type.Union([exactly({ version: versionAnswer }), homeAnswer])

const vary = { Vary: 'X-Auth-Token' }
const home = (prefix?: string) => ({
  status: 200 as const,
  headers: { ...vary, 'Content-Type': 'application/json-home' },
  body: jsonHome(prefix),
})

const listVersions = route({
  method: 'GET',
  path: '/',
  policy: null,
  auth: 'none',
  answer: { 200: homeAnswer, 300: exactly({ versions: exactly({ values: Type.Array(versionAnswer) }) }) },
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
  answer: { 200: showAnswer },
  handle: ({ baseUrl, headers }) =>
    prefersHome(headers.accept) ? home() : { status: 200, headers: vary, body: { version: version(baseUrl) } },
})

export const versionRoutes = [listVersions, showVersion]
