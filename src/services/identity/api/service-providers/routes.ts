import { Type } from 'typebox'
import { last } from '../../../../platform/http/route.ts'
import { IdentityConflict, IdentityNotFound } from '../../errors.ts'
import { findRow, insertRow, listRows, updateRow, type Row } from '../../store/rows.ts'
import { namedEntity, selfLink, type Attributes } from '../federation/entity.ts'
import { nullableString, wrapped } from '../federation/schema.ts'
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

const columnsOf = (input: Attributes, defaultPrefix: string) => ({
  ...(input['auth_url'] !== undefined && { auth_url: input['auth_url'] as string }),
  ...(input['sp_url'] !== undefined && { sp_url: input['sp_url'] as string }),
  ...(input['description'] !== undefined && { description: input['description'] as string | null }),
  ...(input['enabled'] !== undefined && { enabled: input['enabled'] === true ? 1 : 0 }),
  ...(input['relay_state_prefix'] !== undefined && {
    relay_state_prefix: (input['relay_state_prefix'] as string | null) ?? defaultPrefix,
  }),
})

const answer = exactly({
  id: text,
  enabled: boolean,
  description: nullableText,
  auth_url: text,
  sp_url: text,
  relay_state_prefix: text,
  links: self,
})

export const serviceProviderRoutes = namedEntity<Row<'service_providers'>, typeof path>({
  singular: 'service_provider',
  answer,
  plural: 'service_providers',
  path,
  createBody: wrapped('service_provider', { auth_url: url, sp_url: url, ...attributes }),
  updateBody: wrapped(
    'service_provider',
    { auth_url: Type.Optional(url), sp_url: Type.Optional(url), ...attributes },
    { minProperties: 1 },
  ),
  list({ database: { db } }, query) {
    const enabled = last(query, 'enabled')
    return listRows(db, 'service_providers', {
      ...askedOf(query, ['id']),
      ...(enabled !== undefined && { enabled: isTrue(enabled) ? 1 : 0 }),
    })
  },
  async find({ database: { db } }, params) {
    const row = await findRow(db, 'service_providers', { id: params.id })
    if (!row) throw new IdentityNotFound('Service Provider', params.id)
    return row
  },
  async create({ database: { db }, config }, params, input) {
    const row = {
      id: params.id,
      enabled: 0,
      description: null,
      relay_state_prefix: config.relayStatePrefix,
      auth_url: input['auth_url'] as string,
      sp_url: input['sp_url'] as string,
      ...columnsOf(input, config.relayStatePrefix),
    }
    if (!(await insertRow(db, 'service_providers', row))) {
      throw new IdentityConflict('service_provider', `Duplicate entry found with ID ${row.id}`)
    }
    return row
  },
  async change({ database: { db }, config }, row, input) {
    const changes = columnsOf(input, config.relayStatePrefix)
    await updateRow(db, 'service_providers', row.id, changes)
    return { ...row, ...changes }
  },
  async remove({ database: { db } }, row) {
    await db.deleteFrom('service_providers').where('id', '=', row.id).execute()
  },
  view: (row, baseUrl) => ({
    id: row.id,
    enabled: row.enabled === 1,
    description: row.description,
    auth_url: row.auth_url,
    sp_url: row.sp_url,
    relay_state_prefix: row.relay_state_prefix,
    links: { self: selfLink(baseUrl, path, row.id) },
  }),
})
