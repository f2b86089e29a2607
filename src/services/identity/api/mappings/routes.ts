import { BadRequest } from '../../../../platform/http/errors.ts'
import { findProblem } from '../../../../platform/http/schema.ts'
import type { IdentityDeps } from '../../deps.ts'
import { IdentityConflict, IdentityNotFound } from '../../errors.ts'
import { compilePattern } from '../../model/mapping/pattern.ts'
import { MappingError, type Rule, type SchemaVersion } from '../../model/mapping/types.ts'
import { findRow, insertRow, listRows, updateRow, type Row } from '../../store/rows.ts'
import { namedEntity, selfLink, type Attributes } from '../federation/entity.ts'
import { mappingBody, ruleSchemas } from './schema.ts'

const path = '/OS-FEDERATION/mappings'

/** The columns of a mapping. Throws BadRequest on rules that its version does not know or that cannot be run. */
function readMapping(deps: IdentityDeps, input: Attributes) {
  const version = (input['schema_version'] as string | undefined) || deps.config.mappingSchemaVersion
  if (!Object.hasOwn(ruleSchemas, version)) throw new BadRequest(`There is no mapping schema version '${version}'.`)
  const problem = findProblem(ruleSchemas[version as SchemaVersion], input)
  if (problem) throw new BadRequest(`Invalid input for field '${problem.path.join('/')}': ${problem.message}\n`)
  const rules = input['rules'] as Rule[]
  requirePatterns(rules)
  return { rules: JSON.stringify(rules), schema_version: version }
}

function requirePatterns(rules: readonly Rule[]) {
  for (const [at, rule] of rules.entries()) {
    for (const [number, remote] of rule.remote.entries()) {
      if (remote.regex !== true) continue
      try {
        for (const list of [remote.any_one_of, remote.not_any_of, remote.blacklist, remote.whitelist]) {
          list?.forEach(compilePattern)
        }
      } catch (error) {
        if (!(error instanceof MappingError)) throw error
        throw new BadRequest(`Invalid input for field 'rules/${at}/remote/${number}': ${error.message}`)
      }
    }
  }
}

export const mappingRoutes = namedEntity<Row<'mappings'>>({
  singular: 'mapping',
  plural: 'mappings',
  path,
  createBody: mappingBody,
  updateBody: mappingBody,
  list: ({ database: { db } }) => listRows(db, 'mappings'),
  async find({ database: { db } }, params) {
    const row = await findRow(db, 'mappings', { id: params['id']! })
    if (!row) throw new IdentityNotFound('mapping', params['id']!)
    return row
  },
  async create(deps, params, input) {
    const row = { id: params['id']!, ...readMapping(deps, input) }
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
