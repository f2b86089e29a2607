/** Regions, services and endpoints. */
import { Type } from 'typebox'
import { Conflict, BadRequest } from '../../../platform/http/errors.ts'
import { route, type Route } from '../../../platform/http/route.ts'
import type { IdentityDeps } from '../deps.ts'
import { IdentityConflict, IdentityNotFound } from '../errors.ts'
import { policy } from '../policies.ts'
import { deleteRows, findRow, insertRow, listRows, updateRow, type Row } from '../store/rows.ts'
import { withLinks } from './links.ts'
import { extraOf, extras, newId, resource, type Attributes, type Entity } from './resource.ts'
import { kinds } from './schema.ts'

const regionAttributes = {
  description: Type.Optional(kinds.description),
  parent_region_id: Type.Optional(kinds.nullableText),
}

const viewRegion = (row: Row<'regions'>) => ({
  ...extras(row),
  id: row.id,
  description: row.description,
  parent_region_id: row.parent_region_id,
})

async function insertRegion({ database: { db } }: IdentityDeps, input: Attributes) {
  const row = {
    id: (input['id'] as string | undefined) || newId(),
    description: (input['description'] as string | null | undefined) ?? '',
    parent_region_id: (input['parent_region_id'] as string | null | undefined) ?? null,
    extra: extraOf(input, ['description', 'parent_region_id']),
  }
  if (row.parent_region_id !== null && !(await findRow(db, 'regions', { id: row.parent_region_id }))) {
    throw new IdentityNotFound('region', row.parent_region_id)
  }
  if (!(await insertRow(db, 'regions', row))) throw new IdentityConflict('region', `Duplicate ID, ${row.id}`)
  return row
}

const regions: Entity<'regions'> = {
  table: 'regions',
  singular: 'region',
  plural: 'regions',
  create: { id: Type.Optional(Type.String({ maxLength: 255 })), ...regionAttributes },
  update: regionAttributes,
  filters: { parent_region_id: { column: 'parent_region_id' } },
  view: viewRegion,
  target: () => ({}),
  insert: insertRegion,
  async change({ database: { db } }, row, input) {
    await updateRow(db, 'regions', row.id, {
      ...(input['description'] !== undefined && { description: (input['description'] as string | null) ?? '' }),
      ...(input['parent_region_id'] !== undefined && { parent_region_id: input['parent_region_id'] as string | null }),
      extra: extraOf(input, ['description', 'parent_region_id'], row.extra),
    })
    return (await findRow(db, 'regions', { id: row.id }))!
  },
  async remove({ database: { db } }, row) {
    const used = await listRows(db, 'endpoints', [{ column: 'region_id', operator: '=', value: row.id }], 1)
    if (used.length > 0)
      throw new Conflict(`Unable to delete region ${row.id} because it or its child regions have associated endpoints.`)
    await deleteRows(db, 'regions', { id: row.id })
  },
}

const putRegion = route({
  method: 'PUT',
  path: '/regions/:id',
  policy: policy('create_region'),
  body: Type.Object({ region: Type.Object(regionAttributes) }),
  async handle({ ctx, params, body, baseUrl }, deps: IdentityDeps) {
    ctx.authorize(policy('create_region'))
    const row = await insertRegion(deps, { ...body.region, id: params['id'] })
    return { status: 201, body: { region: withLinks(baseUrl, 'regions', viewRegion(row)) } }
  },
})

const serviceAttributes = {
  name: Type.Optional(kinds.nullableText),
  description: Type.Optional(kinds.description),
  enabled: Type.Optional(kinds.boolean),
}

const services: Entity<'services'> = {
  table: 'services',
  singular: 'service',
  plural: 'services',
  create: { type: kinds.name, ...serviceAttributes },
  update: { type: Type.Optional(kinds.name), ...serviceAttributes },
  filters: { type: { column: 'type' }, name: { column: 'name' } },
  view: (row) => ({
    ...extras(row),
    id: row.id,
    type: row.type,
    ...(row.name !== null && { name: row.name }),
    ...(row.description !== null && { description: row.description }),
    enabled: row.enabled === 1,
  }),
  target: () => ({}),
  async insert({ database: { db } }, input) {
    const row = {
      id: newId(),
      type: input['type'] as string,
      name: (input['name'] as string | null | undefined) ?? null,
      description: (input['description'] as string | null | undefined) ?? null,
      enabled: input['enabled'] === false ? 0 : 1,
      extra: extraOf(input, ['type', 'name', 'description', 'enabled']),
    }
    await insertRow(db, 'services', row)
    return row
  },
  async change({ database: { db } }, row, input) {
    await updateRow(db, 'services', row.id, {
      ...(input['type'] !== undefined && { type: input['type'] as string }),
      ...(input['name'] !== undefined && { name: input['name'] as string | null }),
      ...(input['description'] !== undefined && { description: input['description'] as string | null }),
      ...(input['enabled'] !== undefined && { enabled: input['enabled'] ? 1 : 0 }),
      extra: extraOf(input, ['type', 'name', 'description', 'enabled'], row.extra),
    })
    return (await findRow(db, 'services', { id: row.id }))!
  },
  remove: ({ database }, row) =>
    database.transaction(async (tx) => {
      await deleteRows(tx, 'endpoints', { service_id: row.id })
      await deleteRows(tx, 'registered_limits', { service_id: row.id })
      await deleteRows(tx, 'services', { id: row.id })
    }),
}

const endpointAttributes = {
  region: Type.Optional(kinds.nullableText),
  region_id: Type.Optional(kinds.nullableText),
  name: Type.Optional(kinds.nullableText),
  description: Type.Optional(kinds.description),
  enabled: Type.Optional(kinds.boolean),
}
const interfaces = Type.Union([Type.Literal('admin'), Type.Literal('internal'), Type.Literal('public')])
const endpointKnown = ['service_id', 'region', 'region_id', 'interface', 'url', 'enabled', 'name']

/** Only these variables may stand in an address: nothing else is ever filled in (OSSA-2014-029). */
function requireKnownVariables(url: string) {
  for (const [, name] of url.matchAll(/[$%]\(([^)]*)\)/g)) {
    if (!['tenant_id', 'project_id', 'user_id'].includes(name ?? '')) {
      throw new BadRequest(`Invalid input for field 'url': it must not contain the variable ${name}.`)
    }
  }
}

async function requireServiceAndRegion(
  { database: { db } }: IdentityDeps,
  serviceId: string | undefined,
  regionId: string | null | undefined,
) {
  if (serviceId !== undefined && !(await findRow(db, 'services', { id: serviceId })))
    throw new IdentityNotFound('service', serviceId)
  // As keystone's clients have always been served: a region that an endpoint names comes into being.
  if (regionId) await insertRow(db, 'regions', { id: regionId, description: '', parent_region_id: null, extra: '{}' })
}

const endpoints: Entity<'endpoints'> = {
  table: 'endpoints',
  singular: 'endpoint',
  plural: 'endpoints',
  create: { service_id: kinds.id, interface: interfaces, url: kinds.url, ...endpointAttributes },
  update: {
    service_id: Type.Optional(kinds.id),
    interface: Type.Optional(interfaces),
    url: Type.Optional(kinds.url),
    ...endpointAttributes,
  },
  filters: {
    service_id: { column: 'service_id' },
    region_id: { column: 'region_id' },
    region: { column: 'region_id' },
    interface: { column: 'interface' },
  },
  view: (row) => ({
    ...extras(row),
    id: row.id,
    service_id: row.service_id,
    region_id: row.region_id,
    region: row.region_id,
    interface: row.interface,
    url: row.url,
    enabled: row.enabled === 1,
    ...(row.name !== null && { name: row.name }),
  }),
  target: () => ({}),
  async insert(deps, input) {
    const row = {
      id: newId(),
      service_id: input['service_id'] as string,
      region_id: ((input['region_id'] ?? input['region']) as string | null | undefined) ?? null,
      interface: input['interface'] as string,
      url: input['url'] as string,
      enabled: input['enabled'] === false ? 0 : 1,
      name: (input['name'] as string | null | undefined) ?? null,
      extra: extraOf(input, endpointKnown),
    }
    requireKnownVariables(row.url)
    await requireServiceAndRegion(deps, row.service_id, row.region_id)
    await insertRow(deps.database.db, 'endpoints', row)
    return row
  },
  async change(deps, row, input) {
    const regionId = (input['region_id'] ?? input['region']) as string | null | undefined
    if (input['url'] !== undefined) requireKnownVariables(input['url'] as string)
    await requireServiceAndRegion(deps, input['service_id'] as string | undefined, regionId)
    await updateRow(deps.database.db, 'endpoints', row.id, {
      ...(input['service_id'] !== undefined && { service_id: input['service_id'] as string }),
      ...(regionId !== undefined && { region_id: regionId }),
      ...(input['interface'] !== undefined && { interface: input['interface'] as string }),
      ...(input['url'] !== undefined && { url: input['url'] as string }),
      ...(input['enabled'] !== undefined && { enabled: input['enabled'] ? 1 : 0 }),
      ...(input['name'] !== undefined && { name: input['name'] as string | null }),
      extra: extraOf(input, endpointKnown, row.extra),
    })
    return (await findRow(deps.database.db, 'endpoints', { id: row.id }))!
  },
  async remove({ database: { db } }, row) {
    await deleteRows(db, 'endpoints', { id: row.id })
  },
}

export const catalogRoutes: Route<IdentityDeps>[] = [
  ...resource(regions),
  putRegion,
  ...resource(services),
  ...resource(endpoints),
]
