/** OS-EP-FILTER: groups of endpoints that have attributes in common. */
import { Type } from 'typebox'
import { Invalid } from '../../../../platform/errors.ts'
import { expected } from '../../errors.ts'
import { deleteRows, findRow, insertRow, updateRow, type Row } from '../../store/rows.ts'
import { newId, type Attributes, type Entity } from '../resource.ts'
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

function requireFilters(input: Attributes) {
  const names = Object.keys((input['filters'] ?? {}) as object)
  if (names.some((name) => !allowed.includes(name))) throw expected(allowed.join(' or '), 'endpoint_group')
}

export const endpointGroups: Entity<'endpoint_groups'> = {
  table: 'endpoint_groups',
  singular: 'endpoint_group',
  answer: endpointGroupAnswer,
  plural: 'endpoint_groups',
  title: 'Endpoint Group',
  path: '/OS-EP-FILTER/endpoint_groups',
  section: 'catalog',
  strict: true,
  create: { name: kinds.name, description: Type.Optional(kinds.description), filters },
  update: {
    name: Type.Optional(kinds.name),
    description: Type.Optional(kinds.description),
    filters: Type.Optional(filters),
  },
  filters: { name: { column: 'name' } },
  view: viewEndpointGroup,
  target: () => ({}),
  async insert({ database: { db } }, input) {
    if (Object.keys(input['filters'] as object).length === 0) {
      throw new Invalid('filters field is required and cannot be empty')
    }
    requireFilters(input)
    const row = {
      id: newId(),
      name: input['name'] as string,
      description: (input['description'] as string | null | undefined) ?? null,
      filters: JSON.stringify(input['filters']),
    }
    await insertRow(db, 'endpoint_groups', row)
    return row
  },
  async change({ database: { db } }, row, input) {
    requireFilters(input)
    await updateRow(db, 'endpoint_groups', row.id, {
      ...(input['name'] !== undefined && { name: input['name'] as string }),
      ...(input['description'] !== undefined && { description: input['description'] as string | null }),
      ...(input['filters'] !== undefined && { filters: JSON.stringify(input['filters']) }),
    })
    return (await findRow(db, 'endpoint_groups', { id: row.id }))!
  },
  remove: ({ database }, row) =>
    database.transaction(async (tx) => {
      await deleteRows(tx, 'project_endpoint_groups', { endpoint_group_id: row.id })
      await deleteRows(tx, 'endpoint_groups', { id: row.id })
    }),
}
