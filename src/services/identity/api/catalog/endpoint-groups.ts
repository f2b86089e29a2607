/** OS-EP-FILTER: groups of endpoints that have attributes in common. */
import { Type } from 'typebox'
import { Invalid } from '../../../../platform/errors.ts'
import { expected } from '../../errors.ts'
import { deleteRows, insertRow, updateRow, type Row } from '../../store/rows.ts'
import { entity } from '../kit/entity.ts'
import { createRoute, readRoutes, removeRoute, updateRoute } from '../kit/resource.ts'
import { newId } from '../../store/new-rows.ts'
import type { Input } from '../../../../platform/api/resource.ts'
import { kinds } from '../schema.ts'
import { exactly, type Shown } from '../../../../platform/http/answers.ts'
import { nullableText, text } from '../answers.ts'

const filters = Type.Object({
  interface: Type.Optional(Type.Enum(['admin', 'internal', 'public'])),
  service_id: Type.Optional(Type.String()),
  region_id: Type.Optional(kinds.nullableText),
})
const allowed = ['service_id', 'region_id', 'interface']

export const endpointGroupAnswer = exactly({
  id: text,
  name: text,
  description: nullableText,
  filters: Type.Record(text, Type.Unknown()),
})

export const viewEndpointGroup = (row: Row<'endpoint_groups'>): Shown<typeof endpointGroupAnswer> => ({
  id: row.id,
  name: row.name,
  description: row.description,
  filters: JSON.parse(row.filters) as Record<string, unknown>,
})

function requireFilters(input: Input) {
  const names = Object.keys((input.filters ?? {}) as object)
  if (names.some((name) => !allowed.includes(name))) throw expected(allowed.join(' or '), 'endpoint_group')
}

export const endpointGroups = entity({
  table: 'endpoint_groups',
  singular: 'endpoint_group',
  answer: endpointGroupAnswer,
  plural: 'endpoint_groups',
  title: 'Endpoint Group',
  path: '/OS-EP-FILTER/endpoint_groups',
  section: 'catalog',
  filters: { name: { column: 'name' } },
  view: viewEndpointGroup,
})

export const endpointGroupRoutes = [
  ...readRoutes(endpointGroups),
  createRoute(endpointGroups, {
    schema: Type.Object(
      { name: kinds.name, description: Type.Optional(kinds.description), filters },
      { additionalProperties: false },
    ),
    async insert(_db, { database: { db } }, input) {
      if (Object.keys(input.filters).length === 0) {
        throw new Invalid('filters field is required and cannot be empty')
      }
      requireFilters(input)
      const row = {
        id: newId(),
        name: input.name,
        description: input.description ?? null,
        filters: JSON.stringify(input.filters),
      }
      await insertRow(db, 'endpoint_groups', row)
      return row
    },
  }),
  updateRoute(endpointGroups, {
    schema: Type.Object(
      {
        name: Type.Optional(kinds.name),
        description: Type.Optional(kinds.description),
        filters: Type.Optional(filters),
      },
      { additionalProperties: false, minProperties: 1 },
    ),
    async apply(_db, { database: { db } }, row, input) {
      requireFilters(input)
      await updateRow(db, 'endpoint_groups', row.id, {
        ...(input.name !== undefined && { name: input.name }),
        ...(input.description !== undefined && { description: input.description }),
        ...(input.filters !== undefined && { filters: JSON.stringify(input.filters) }),
      })
    },
  }),
  removeRoute(endpointGroups, (_db, { database }, row) =>
    database.transaction(async (tx) => {
      await deleteRows(tx, 'project_endpoint_groups', { endpoint_group_id: row.id })
      await deleteRows(tx, 'endpoint_groups', { id: row.id })
    }),
  ),
]
