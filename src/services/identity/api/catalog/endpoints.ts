import { Type } from 'typebox'
import { Invalid } from '../../../../platform/errors.ts'
import type { IdentityDeps } from '../../deps.ts'
import { expected } from '../../errors.ts'
import { urlVariable, urlVariables } from '../../operations/catalog.ts'
import { deleteEndpoints } from '../../store/catalog.ts'
import { findRow, insertRow, updateRow, type Row } from '../../store/rows.ts'
import { entity } from '../kit/entity.ts'
import { extraOf, extras } from '../kit/extra.ts'
import { createRoute, readRoutes, removeRoute, updateRoute } from '../kit/resource.ts'
import { newId } from '../../store/new-rows.ts'
import { kinds } from '../schema.ts'
import type { Shown } from '../../../../platform/http/answers.ts'
import { boolean, nullableText, open, text } from '../answers.ts'

const attributes = {
  region: Type.Optional(kinds.nullableText),
  region_id: Type.Optional(kinds.nullableText),
  name: Type.Optional(kinds.nullableText),
  description: Type.Optional(kinds.description),
  enabled: Type.Optional(kinds.boolean),
}
const interfaces = Type.Enum(['admin', 'internal', 'public'])
const url = Type.String({ maxLength: 225, pattern: '^[a-zA-Z0-9+.-]+:.+' })
const known = ['service_id', 'region', 'region_id', 'interface', 'url', 'enabled', 'name']

export const endpointAnswer = open({
  id: text,
  service_id: text,
  region_id: nullableText,
  region: nullableText,
  interface: text,
  url: text,
  enabled: boolean,
  name: Type.Optional(text),
})

export const viewEndpoint = (row: Row<'endpoints'>): Shown<typeof endpointAnswer> => ({
  ...extras(row),
  id: row.id,
  service_id: row.service_id,
  region_id: row.region_id,
  region: row.region_id,
  interface: row.interface,
  url: row.url,
  enabled: row.enabled === 1,
  ...(row.name !== null && { name: row.name }),
})

/** Only these variables may stand in an address: nothing else is ever filled in (OSSA-2014-029). */
function requireKnownVariables(text: string) {
  const isWrong = (match: RegExpMatchArray) =>
    match[2] !== 's' || !(urlVariables as readonly string[]).includes(match[1]!)
  const rest = text.replace(urlVariable, '')
  if ([...text.matchAll(urlVariable)].some(isWrong) || /[$%]\(/.test(rest)) {
    throw new Invalid(`Cannot create an endpoint with an invalid URL: ${text}.`)
  }
}

interface Place {
  service_id?: string
  region_id?: string | null
  region?: string | null
}

/** Checks service and region; the region's id, where the body names one by either of its names. */
async function placeOf({ database: { db } }: IdentityDeps, input: Place): Promise<string | null | undefined> {
  const regionId = input.region_id
  const old = input.region
  // A `region`, as clients of before v3.2 send it, comes into being with the endpoint.
  if (regionId == null && old != null) {
    await insertRow(db, 'regions', { id: old, description: '', parent_region_id: null, extra: '{}' })
  }
  const id = regionId ?? old ?? regionId
  if (id != null && !(await findRow(db, 'regions', { id }))) throw expected('endpoint region_id', 'region table')
  const serviceId = input.service_id
  if (serviceId !== undefined && !(await findRow(db, 'services', { id: serviceId }))) {
    throw expected('endpoint service_id', 'service table')
  }
  return id
}

export const endpoints = entity({
  table: 'endpoints',
  singular: 'endpoint',
  answer: endpointAnswer,
  plural: 'endpoints',
  section: 'catalog',
  filters: {
    service_id: { column: 'service_id' },
    region_id: { column: 'region_id' },
    region: { column: 'region_id' },
    interface: { column: 'interface' },
  },
  view: viewEndpoint,
  existsFirst: ['show', 'update', 'delete'],
})

export const endpointRoutes = [
  ...readRoutes(endpoints),
  createRoute(endpoints, {
    schema: Type.Object({ service_id: Type.String(), interface: interfaces, url, ...attributes }),
    async insert(_db, deps, input) {
      requireKnownVariables(input.url)
      const row = {
        id: newId(),
        service_id: input.service_id,
        region_id: (await placeOf(deps, input)) ?? null,
        interface: input.interface,
        url: input.url,
        enabled: input.enabled === false ? 0 : 1,
        name: input.name ?? null,
        extra: extraOf(input, known),
      }
      await insertRow(deps.database.db, 'endpoints', row)
      return row
    },
  }),
  updateRoute(endpoints, {
    schema: Type.Object(
      {
        service_id: Type.Optional(Type.String()),
        interface: Type.Optional(interfaces),
        url: Type.Optional(url),
        ...attributes,
      },
      { minProperties: 1 },
    ),
    async apply(_db, deps, row, input) {
      if (input.url !== undefined) requireKnownVariables(input.url)
      const regionId = await placeOf(deps, input)
      await updateRow(deps.database.db, 'endpoints', row.id, {
        ...(input.service_id !== undefined && { service_id: input.service_id }),
        ...(regionId !== undefined && { region_id: regionId }),
        ...(input.interface !== undefined && { interface: input.interface }),
        ...(input.url !== undefined && { url: input.url }),
        ...(input.enabled !== undefined && { enabled: input.enabled ? 1 : 0 }),
        ...(input.name !== undefined && { name: input.name }),
        extra: extraOf(input, known, row.extra),
      })
    },
  }),
  removeRoute(endpoints, (_db, { database }, row) => database.transaction((tx) => deleteEndpoints(tx, [row.id]))),
]
