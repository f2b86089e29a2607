import { Type } from 'typebox'
import { deleteService } from '../../store/catalog.ts'
import { deleteRows, insertRow, updateRow } from '../../store/rows.ts'
import { entity } from '../kit/entity.ts'
import { extraOf, extras } from '../kit/extra.ts'
import { createRoute, readRoutes, removeRoute, updateRoute } from '../kit/resource.ts'
import { newId } from '../../store/new-rows.ts'
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

export const services = entity({
  table: 'services',
  singular: 'service',
  answer: serviceAnswer,
  plural: 'services',
  section: 'catalog',
  filters: { type: { column: 'type' }, name: { column: 'name' } },
  view: (row): Shown<typeof serviceAnswer> => ({
    ...extras(row),
    id: row.id,
    type: row.type,
    name: row.name ?? '',
    ...(row.description !== null && { description: row.description }),
    enabled: row.enabled === 1,
  }),
})

export const serviceRoutes = [
  ...readRoutes(services),
  createRoute(services, {
    schema: Type.Object({ type: kinds.name, ...attributes }),
    async insert(_db, { database: { db } }, input) {
      const row = {
        id: newId(),
        type: input.type,
        name: input.name ?? null,
        description: input.description ?? null,
        enabled: input.enabled === false ? 0 : 1,
        extra: extraOf(input, known),
      }
      await insertRow(db, 'services', row)
      return row
    },
  }),
  updateRoute(services, {
    schema: Type.Object({ type: Type.Optional(kinds.name), ...attributes }, { minProperties: 1 }),
    async apply(_db, { database: { db } }, row, input) {
      await updateRow(db, 'services', row.id, {
        ...(input.type !== undefined && { type: input.type }),
        ...(input.name !== undefined && { name: input.name }),
        ...(input.description !== undefined && { description: input.description }),
        ...(input.enabled !== undefined && { enabled: input.enabled ? 1 : 0 }),
        extra: extraOf(input, known, row.extra),
      })
    },
  }),
  removeRoute(services, (_db, { database }, row) =>
    database.transaction(async (tx) => {
      await deleteRows(tx, 'registered_limits', { service_id: row.id })
      await deleteRows(tx, 'limits', { service_id: row.id })
      await deleteService(tx, row.id)
    }),
  ),
]
