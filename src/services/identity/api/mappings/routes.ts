import type { IdentityDeps } from '../../deps.ts'
import { IdentityConflict, IdentityNotFound } from '../../errors.ts'
import { readRules } from '../../operations/mapping-rules.ts'
import { findRow, insertRow, listRows, updateRow, type Row } from '../../store/rows.ts'
import { namedEntity, selfLink, type Attributes } from '../federation/entity.ts'
import { mappingBody } from './schema.ts'
import { Type } from 'typebox'
import { exactly } from '../../../../platform/http/answers.ts'
import { self, text } from '../answers.ts'

const path = '/OS-FEDERATION/mappings'

/** The columns of a mapping. Throws Invalid on rules that its version does not know or that cannot be run. */
function readMapping(deps: IdentityDeps, input: Attributes) {
  const { rules, schemaVersion } = readRules(input, deps.config.mappingSchemaVersion)
  return { rules: JSON.stringify(rules), schema_version: schemaVersion }
}

const answer = exactly({ id: text, rules: Type.Unknown(), schema_version: text, links: self })

export const mappingRoutes = namedEntity<Row<'mappings'>, typeof path>({
  singular: 'mapping',
  answer,
  plural: 'mappings',
  path,
  createBody: mappingBody,
  updateBody: mappingBody,
  list: ({ database: { db } }) => listRows(db, 'mappings'),
  async find({ database: { db } }, params) {
    const row = await findRow(db, 'mappings', { id: params.id })
    if (!row) throw new IdentityNotFound('mapping', params.id)
    return row
  },
  async create(deps, params, input) {
    const row = { id: params.id, ...readMapping(deps, input) }
    if (!(await insertRow(deps.database.db, 'mappings', row))) {
      throw new IdentityConflict('mapping', `Duplicate entry found with ID ${row.id}`)
    }
    return row
  },
  async change(deps, row, input) {
    const changes = readMapping(deps, input)
    await updateRow(deps.database.db, 'mappings', row.id, changes)
    return { ...row, ...changes }
  },
  async remove({ database: { db } }, row) {
    await db.deleteFrom('mappings').where('id', '=', row.id).execute()
  },
  view: (row, baseUrl) => ({
    id: row.id,
    rules: JSON.parse(row.rules) as unknown,
    schema_version: row.schema_version,
    links: { self: selfLink(baseUrl, path, row.id) },
  }),
})
