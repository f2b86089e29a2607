import { last, type Query } from '../../../../platform/http/route.ts'
import {
  createIdentityProvider,
  deleteIdentityProvider,
  updateIdentityProvider,
} from '../../operations/identity-providers.ts'
import { IdentityNotFound } from '../../errors.ts'
import {
  findIdentityProvider,
  listIdentityProviders,
  type IdentityProvider,
  type IdpFilter,
} from '../../store/federation.ts'
import { namedEntity, selfLink } from '../kit/entity.ts'
import { createRoute, readRoutes, removeRoute, updateRoute } from '../kit/resource.ts'
import { isTrue } from '../paging.ts'
import { createSchema, updateSchema } from './schema.ts'
import { Type, type Static } from 'typebox'
import { exactly, nullable } from '../../../../platform/http/answers.ts'
import { boolean, nullableText, text, texts } from '../answers.ts'

const path = '/OS-FEDERATION/identity_providers'

function filterOf(query: Query): IdpFilter {
  const id = last(query, 'id')
  const enabled = last(query, 'enabled')
  return { ...(id !== undefined && { id }), ...(enabled !== undefined && { enabled: isTrue(enabled) }) }
}

/** The attributes that creating and changing share; null stands for the default. */
const shared = (input: Static<typeof updateSchema>) => ({
  ...(input.enabled !== undefined && { enabled: input.enabled }),
  ...(input.description !== undefined && { description: input.description }),
  ...(input.authorization_ttl !== undefined && { authorizationTtl: input.authorization_ttl }),
  ...(input.remote_ids !== undefined && { remoteIds: input.remote_ids ?? [] }),
})

const identityProviders = namedEntity<IdentityProvider>({
  singular: 'identity_provider',
  plural: 'identity_providers',
  path,
  answer: exactly({
    id: text,
    enabled: boolean,
    description: nullableText,
    domain_id: text,
    authorization_ttl: nullable(Type.Integer()),
    remote_ids: texts,
  }),
  linksAnswer: exactly({ self: text, protocols: text }),
  links(row, baseUrl) {
    const self = selfLink(baseUrl, path, row.id)
    return { self, protocols: `${self}/protocols` }
  },
  list: ({ database }, query) => listIdentityProviders(database.db, filterOf(query)),
  find: (db, { id = '' }) => findIdentityProvider(db, id),
  notFound: ({ id = '' }) => new IdentityNotFound('Identity Provider', id),
  view: (row) => ({
    id: row.id,
    enabled: row.enabled === 1,
    description: row.description,
    domain_id: row.domain_id,
    authorization_ttl: row.authorization_ttl,
    remote_ids: row.remoteIds,
  }),
})

export const identityProviderRoutes = [
  ...readRoutes(identityProviders),
  createRoute(identityProviders, {
    schema: createSchema,
    insert: (_db, deps, input, { id = '' }) =>
      createIdentityProvider(deps, id, {
        enabled: false,
        description: null,
        authorizationTtl: null,
        remoteIds: [],
        ...shared(input),
        domainId: input.domain_id ?? null,
      }),
  }),
  updateRoute(identityProviders, {
    schema: updateSchema,
    async apply(_db, deps, row, input) {
      await updateIdentityProvider(deps, row, shared(input))
    },
  }),
  removeRoute(identityProviders, (_db, deps, { id }) => deleteIdentityProvider(deps, id)),
]
