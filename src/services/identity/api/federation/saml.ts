/** Keystone to keystone: a token becomes an assertion that another cloud takes, plain or in an ECP envelope. */
import { Type } from 'typebox'
import { route } from '../route.ts'
import { ecpEnvelope } from '../../model/saml/assertion.ts'
import { document, type Xml } from '../../model/saml/xml.ts'
import { assertToken, readMetadataFile } from '../../operations/saml.ts'
import type { Row } from '../../store/rows.ts'

const closed = { additionalProperties: false }
const id = Type.Object({ id: Type.String({ maxLength: 8192 }) }, closed)

const assertionBody = Type.Object({
  auth: Type.Object(
    {
      identity: Type.Object(
        { methods: Type.Optional(Type.Array(Type.Unknown(), { maxItems: 20 })), token: id },
        closed,
      ),
      scope: Type.Object({ service_provider: id }, closed),
    },
    closed,
  ),
})

type Wrap = (response: Xml, serviceProvider: Row<'service_providers'>) => Xml

const assertionRoute = (path: string, wrap: Wrap) =>
  route({
    method: 'POST',
    path,
    policy: null,
    auth: 'none', // the token to be asserted is in the body
    body: assertionBody,
    answer: { 200: 'text/xml' },
    async handle({ body: { auth } }, deps) {
      const { identity, scope } = auth
      const { response, serviceProvider } = await assertToken(deps, identity.token.id, scope.service_provider.id)
      return {
        status: 200,
        headers: {
          'Content-Type': 'text/xml',
          'X-sp-url': serviceProvider.sp_url,
          'X-auth-url': serviceProvider.auth_url,
        },
        body: document(wrap(response, serviceProvider)),
      }
    },
  })

const metadata = route({
  method: 'GET',
  path: '/OS-FEDERATION/saml2/metadata',
  policy: null,
  auth: 'none', // for other clouds
  answer: { 200: 'text/xml' },
  handle: (_request, { config }) => ({
    status: 200,
    headers: { 'Content-Type': 'text/xml' },
    body: readMetadataFile(config),
  }),
})

export const samlRoutes = [
  assertionRoute('/auth/OS-FEDERATION/saml2', (response) => response),
  assertionRoute('/auth/OS-FEDERATION/saml2/ecp', (response, { relay_state_prefix: prefix }) =>
    ecpEnvelope(response, prefix),
  ),
  metadata,
]
