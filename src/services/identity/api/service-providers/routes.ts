import { Type } from 'typebox'
import { last } from '../../../../platform/http/route.ts'
import { IdentityConflict, IdentityNotFound } from '../../errors.ts'
import { deleteRows, findRow, insertRow, listRows, updateRow, type Row } from '../../store/rows.ts'
import { namedEntity, selfLink } from '../kit/entity.ts'
import { createRoute, readRoutes, removeRoute, updateRoute } from '../kit/resource.ts'
import { nullableString } from '../federation/schema.ts'
import { isTrue, askedOf } from '../paging.ts'
import { exactly } from '../../../../platform/http/answers.ts'
import { boolean, nullableText, self, text } from '../answers.ts'

const path = '/OS-FEDERATION/service_providers'
const url = Type.String({ maxLength: 225, pattern: '^[a-zA-Z0-9+.-]+:.+' })
const attributes = {
  description: Type.Optional(nullableString()),
  enabled: Type.Optional(Type.Boolean()),
  relay_state_prefix: Type.Optional(nullableString(256)),
}

interface ProviderInput {
  auth_url?: string
  sp_url?: string
  description?: string | null
  enabled?: boolean
  relay_state_prefix?: string | null
}

const columnsOf = (input: ProviderInput, defaultPrefix: string) => ({
  ...(input.auth_url !== undefined && { auth_url: input.auth_url }),
  ...(input.sp_url !== undefined && { sp_url: input.sp_url }),
  ...(input.description !== undefined && { description: input.description }),
  ...(input.enabled !== undefined && { enabled: input.enabled ? 1 : 0 }),
  ...(input.relay_state_prefix !== undefined && { relay_state_prefix: input.relay_state_prefix ?? defaultPrefix }),
})

const serviceProviders = namedEntity<Row<'service_providers'>>({
  singular: 'service_provider',
  plural: 'service_providers',
  path,
  answer: exactly({
    id: text,
    enabled: boolean,
    description: nullableText,
    auth_url: text,
    sp_url: text,
    relay_state_prefix: text,
  }),
  linksAnswer: self,
  links: (row, baseUrl) => ({ self: selfLink(baseUrl, path, row.id) }),
  list({ database: { db } }, query) {
    const enabled = last(query, 'enabled')
    return listRows(db, 'service_providers', {
      ...askedOf(query, ['id']),
      ...(enabled !== undefined && { enabled: isTrue(enabled) ? 1 : 0 }),
    })
  },
  find: (db, { id }) => findRow(db, 'service_providers', { id: id! }),
  notFound: ({ id = '' }) => new IdentityNotFound('Service Provider', id),
  view: (row) => ({
    id: row.id,
    enabled: row.enabled === 1,
    description: row.description,
    auth_url: row.auth_url,
    sp_url: row.sp_url,
    relay_state_prefix: row.relay_state_prefix,
  }),
})

export const serviceProviderRoutes = [
  ...readRoutes(serviceProviders),
  createRoute(serviceProviders, {
    schema: exactly({ auth_url: url, sp_url: url, ...attributes }),
    async insert(db, { config }, input, { id = '' }) {
      const row = {
        id,
        enabled: 0,
        description: null,
        relay_state_prefix: config.relayStatePrefix,
        ...columnsOf(input, config.relayStatePrefix),
        auth_url: input.auth_url,
        sp_url: input.sp_url,
      }
      if (!(await insertRow(db, 'service_providers', row))) {
        throw new IdentityConflict('service_provider', `Duplicate entry found with ID ${row.id}`)
      }
      return row
    },
  }),
  updateRoute(serviceProviders, {
    schema: Type.Object(
      { auth_url: Type.Optional(url), sp_url: Type.Optional(url), ...attributes },
      { additionalProperties: false, minProperties: 1 },
    ),
    async apply(db, { config }, row, input) {
      await updateRow(db, 'service_providers', row.id, columnsOf(input, config.relayStatePrefix))
    },
  }),
  removeRoute(serviceProviders, async (db, _deps, { id }) => {
    await deleteRows(db, 'service_providers', { id })
  }),
]
