import { last, type Query } from '../../../../platform/http/route.ts'
import {
  createIdentityProvider,
  deleteIdentityProvider,
  requireIdentityProvider,
  updateIdentityProvider,
} from '../../operations/identity-providers.ts'
import { listIdentityProviders, type IdentityProvider, type IdpFilter } from '../../store/federation.ts'
import { namedEntity, selfLink, type Attributes } from '../federation/entity.ts'
import { isTrue } from '../paging.ts'
import { createBody, updateBody } from './schema.ts'
import { Type } from 'typebox'
import { exactly, nullable } from '../../../../platform/http/answers.ts'
import { boolean, nullableText, text, texts } from '../answers.ts'

const path = '/OS-FEDERATION/identity_providers'

function viewIdentityProvider(row: IdentityProvider, baseUrl: string) {
  const self = selfLink(baseUrl, path, row.id)
  return {
    id: row.id,
    enabled: row.enabled === 1,
    description: row.description,
    domain_id: row.domain_id,
    authorization_ttl: row.authorization_ttl,
    remote_ids: row.remoteIds,
    links: { self, protocols: `${self}/protocols` },
  }
}

function filterOf(query: Query): IdpFilter {
  const id = last(query, 'id')
  const enabled = last(query, 'enabled')
  return { ...(id !== undefined && { id }), ...(enabled !== undefined && { enabled: isTrue(enabled) }) }
}

/** The attributes that creating and changing share; null stands for the default. */
const shared = (input: Attributes) => ({
  ...(input['enabled'] !== undefined && { enabled: input['enabled'] as boolean }),
  ...(input['description'] !== undefined && { description: input['description'] as string | null }),
  ...(input['authorization_ttl'] !== undefined && { authorizationTtl: input['authorization_ttl'] as number | null }),
  ...(input['remote_ids'] !== undefined && { remoteIds: (input['remote_ids'] as string[] | null) ?? [] }),
})

const answer = exactly({
  id: text,
  enabled: boolean,
  description: nullableText,
  domain_id: text,
  authorization_ttl: nullable(Type.Integer()),
  remote_ids: texts,
  links: exactly({ self: text, protocols: text }),
})

export const identityProviderRoutes = namedEntity<IdentityProvider, typeof path>({
  singular: 'identity_provider',
  answer,
  plural: 'identity_providers',
  path,
  createBody,
  updateBody,
  list: ({ database }, query) => listIdentityProviders(database.db, filterOf(query)),
  find: (deps, params) => requireIdentityProvider(deps, params.id),
  create: (deps, params, input) =>
    createIdentityProvider(deps, params.id, {
      enabled: false,
      description: null,
      authorizationTtl: null,
      remoteIds: [],
      ...shared(input),
      domainId: (input['domain_id'] as string | null | undefined) ?? null,
    }),
  change: (deps, row, input) => updateIdentityProvider(deps, row, shared(input)),
  remove: (deps, row) => deleteIdentityProvider(deps, row.id),
  view: viewIdentityProvider,
})
