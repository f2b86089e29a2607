import type { IdentityDeps } from '../../deps.ts'
import { IdentityConflict, IdentityNotFound } from '../../errors.ts'
import { readRules } from '../../operations/mapping-rules.ts'
import { findRow, deleteRows, insertRow, listRows, updateRow, type Row } from '../../store/rows.ts'
import type { Input } from '../../../../platform/api/resource.ts'
import { namedEntity, selfLink } from '../kit/entity.ts'
import { createRoute, readRoutes, removeRoute, updateRoute } from '../kit/resource.ts'
import { mappingSchema } from './schema.ts'
import { Type } from 'typebox'
import { exactly } from '../../../../platform/http/answers.ts'
import { self, text } from '../answers.ts'

const path = '/OS-FEDERATION/mappings'

/** The columns of a mapping. Throws Invalid on rules that its version does not know or that cannot be run. */
function readMapping(deps: IdentityDeps, input: Input) {
  const { rules, schemaVersion } = readRules(input, deps.config.mappingSchemaVersion)
  return { rules: JSON.stringify(rules), schema_version: schemaVersion }
}

const mappings = namedEntity<Row<'mappings'>>({
  singular: 'mapping',
  plural: 'mappings',
  path,
  answer: exactly({ id: text, rules: Type.Unknown(), schema_version: text }),
  linksAnswer: self,
  links: (row, baseUrl) => ({ self: selfLink(baseUrl, path, row.id) }),
  list: ({ database: { db } }) => listRows(db, 'mappings'),
  find: (db, { id }) => findRow(db, 'mappings', { id: id! }),
  notFound: ({ id = '' }) => new IdentityNotFound('mapping', id),
  view: (row) => ({ id: row.id, rules: JSON.parse(row.rules) as unknown, schema_version: row.schema_version }),
})

export const mappingRoutes = [
  ...readRoutes(mappings),
  createRoute(mappings, {
    schema: mappingSchema,
    async insert(db, deps, input, { id = '' }) {
      const row = { id, ...readMapping(deps, input) }
      if (!(await insertRow(db, 'mappings', row))) {
        throw new IdentityConflict('mapping', `Duplicate entry found with ID ${row.id}`)
      }
      return row
    },
  }),
  updateRoute(mappings, {
    schema: mappingSchema,
    async apply(db, deps, row, input) {
      await updateRow(db, 'mappings', row.id, readMapping(deps, input))
    },
  }),
  removeRoute(mappings, async (db, _deps, { id }) => {
    await deleteRows(db, 'mappings', { id })
  }),
]
