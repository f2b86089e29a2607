/** Versions and extensions. */
import { Type } from 'typebox'
import { route } from './route.ts'
import { notFound } from '../errors.ts'
import { extensions, type Extension } from './extensions.ts'
import { listAnswer, showAnswer, shown } from './kit/answers.ts'
import { pick } from './kit/listing.ts'
import { closed } from './kit/schema.ts'

const links = Type.Array(closed({ rel: shown.text, href: shown.text }))
const versionAnswer = closed({ id: shown.text, status: shown.text, links })
const resourceAnswer = closed({ name: shown.text, collection: shown.text, links })
const extensionAnswer = closed({
  alias: shown.text,
  name: shown.text,
  description: shown.text,
  links: Type.Array(Type.Unknown()),
  updated: shown.text,
})

const versionOf = (baseUrl: string) => ({
  id: 'v2.0',
  status: 'CURRENT',
  links: [{ rel: 'self', href: `${baseUrl}/v2.0/` }],
})

const listVersions = route({
  method: 'GET',
  path: '/',
  policy: null,
  auth: 'none',
  answer: { 200: closed({ versions: Type.Array(versionAnswer) }) },
  handle: ({ baseUrl }) => ({ status: 200, body: { versions: [versionOf(baseUrl)] } }),
})

const collections = {
  networks: 'network',
  subnets: 'subnet',
  subnetpools: 'subnetpool',
  ports: 'port',
  routers: 'router',
  floatingips: 'floatingip',
  'floatingip-pools': 'floatingip_pool',
  'security-groups': 'security_group',
  'security-group-rules': 'security_group_rule',
  'default-security-group-rules': 'default_security_group_rule',
  'address-scopes': 'address_scope',
  'address-groups': 'address_group',
  'network-ip-availabilities': 'network_ip_availability',
  availability_zones: 'availability_zone',
  agents: 'agent',
  quotas: 'quota',
  'service-providers': 'service_provider',
  extensions: 'extension',
}

const showVersion = route({
  method: 'GET',
  path: '/v2.0',
  policy: null,
  auth: 'none',
  answer: { 200: closed({ resources: Type.Array(resourceAnswer) }) },
  handle: ({ baseUrl }) => ({
    status: 200,
    body: {
      resources: Object.entries(collections).map(([collection, name]) => ({
        name,
        collection,
        links: [{ rel: 'self', href: `${baseUrl}/v2.0/${collection}` }],
      })),
    },
  }),
})

const view = ([alias, name, updated]: Extension) => ({
  alias,
  name,
  description: name,
  links: [],
  updated,
})
const listExtensions = route({
  method: 'GET',
  path: '/extensions',
  policy: null,
  answer: listAnswer('extensions', extensionAnswer),
  handle: ({ query }) => ({
    status: 200,
    body: { extensions: extensions.map((each) => pick(view(each), query)) },
  }),
})

const showExtension = route({
  method: 'GET',
  path: '/extensions/:alias',
  policy: null,
  answer: showAnswer('extension', extensionAnswer),
  handle({ params, query }) {
    const found = extensions.find(([alias]) => alias === params.alias)
    if (!found) throw notFound('HTTPNotFound', `Extension with alias ${params.alias} does not exist`)
    return { status: 200, body: { extension: pick(view(found), query) } }
  },
})

export const rootRoutes = [listVersions, showVersion]
export const documentRoutes = [listExtensions, showExtension]
