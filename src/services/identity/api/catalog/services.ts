import { Type } from 'typebox'
import { deleteService } from '../../store/catalog.ts'
import { deleteRows, findRow, insertRow, updateRow } from '../../store/rows.ts'
import { extraOf, extras, newId, resource, type Entity } from '../resource.ts'
import { kinds } from '../schema.ts'
import type { Shown } from '../../../../platform/http/answers.ts'
import { boolean, open, text } from '../answers.ts'

const attributes = {
  name: Type.Optional(Type.Union([Type.Null(), Type.String({ maxLength: 255 })])),
  description: Type.Optional(kinds.description),
  enabled: Type.Optional(kinds.boolean),
}
const known = ['type', 'name', 'description', 'enabled']

export const serviceAnswer = open({
  id: text,
  type: text,
  name: text,
  description: Type.Optional(text),
  enabled: boolean,
})

export const services: Entity<'services'> = {
  table: 'services',
  singular: 'service',
  answer: serviceAnswer,
  plural: 'services',
  section: 'catalog',
  create: { type: kinds.name, ...attributes },
  update: { type: Type.Optional(kinds.name), ...attributes },
  filters: { type: { column: 'type' }, name: { column: 'name' } },
  view: (row): Shown<typeof serviceAnswer> => ({
    ...extras(row),
    id: row.id,
    type: row.type,
    name: row.name ?? '',
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
      extra: extraOf(input, known),
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
      extra: extraOf(input, known, row.extra),
    })
    return (await findRow(db, 'services', { id: row.id }))!
  },
  remove: ({ database }, row) =>
    database.transaction(async (tx) => {
      await deleteRows(tx, 'registered_limits', { service_id: row.id })
      await deleteRows(tx, 'limits', { service_id: row.id })
      await deleteService(tx, row.id)
    }),
}

export const serviceRoutes = resource(services)
