import { Type, type TSchema } from 'typebox'
import { exactly, type Shown } from '../../../../platform/http/answers.ts'
import { text } from '../answers.ts'
import { route } from '../route.ts'
import { versions } from '../../versions.ts'

const self = (baseUrl: string, path: string) => ({ rel: 'self', href: `${baseUrl}/${path}/` })
const current = (baseUrl: string) => ({
  id: 'v2.1',
  status: 'CURRENT',
  version: versions.max,
  min_version: versions.min,
  updated: '2013-07-23T11:33:21Z',
  links: [self(baseUrl, 'v2.1')],
})
/** What clients of before microversions look for: the same API at its oldest, under the old name. */
const legacy = (baseUrl: string) => ({
  id: 'v2.0',
  status: 'SUPPORTED',
  version: '',
  min_version: '',
  updated: '2011-01-21T11:33:21Z',
  links: [self(baseUrl, 'v2')],
})

const describedBy = { rel: 'describedby', type: 'text/html', href: 'http://docs.openstack.org/' }
const detailed = (document: ReturnType<typeof current>, version: string) => ({
  ...document,
  links: [...document.links, describedBy],
  'media-types': [{ base: 'application/json', type: `application/vnd.openstack.compute+json;version=${version}` }],
})

const version = {
  id: text,
  status: text,
  version: text,
  min_version: text,
  updated: text,
  links: Type.Array(exactly({ rel: text, href: text, type: Type.Optional(text) })),
}
const listAnswer = exactly({ versions: Type.Array(exactly(version)) })
const mediaTypes = Type.Array(exactly({ base: text, type: text }))
const showAnswer = exactly({ version: exactly({ ...version, 'media-types': mediaTypes }) })

const root = <A extends typeof listAnswer | typeof showAnswer>(
  path: string,
  answer: A,
  bodyOf: (baseUrl: string) => Shown<A>,
) =>
  route({
    method: 'GET',
    path,
    policy: null,
    auth: 'none',
    answer: { 200: answer as TSchema },
    handle: ({ baseUrl }) => ({ status: 200, body: bodyOf(baseUrl) }),
  })

/** Version documents, open to everybody. */
export const versionRoutes = [
  root('/', listAnswer, (baseUrl) => ({ versions: [legacy(baseUrl), current(baseUrl)] })),
  root('/v2', showAnswer, (baseUrl) => ({ version: detailed(legacy(baseUrl), '2') })),
  root('/v2.1', showAnswer, (baseUrl) => ({ version: detailed(current(baseUrl), '2.1') })),
]
