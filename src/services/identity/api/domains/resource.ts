import { Type } from 'typebox'
import { Forbidden } from '../../../../platform/http/errors.ts'
import { IdentityConflict, ActionForbidden } from '../../errors.ts'
import { deleteDomain } from '../../operations/delete-domain.ts'
import { findRow, insertRow, updateRow } from '../../store/rows.ts'
import { extraOf, newId, type Entity } from '../resource.ts'
import { kinds } from '../schema.ts'
import { viewDomain } from './view.ts'

const attributes = {
  description: Type.Optional(kinds.description),
  enabled: Type.Optional(kinds.boolean),
  options: Type.Optional(kinds.options),
  tags: Type.Optional(kinds.tags),
}
const known = ['name', 'description', 'enabled', 'options', 'tags', 'explicit_domain_id']

export const domains: Entity<'projects'> = {
  table: 'projects',
  singular: 'domain',
  plural: 'domains',
  fixed: { is_domain: 1 },
  create: { name: kinds.shortName, explicit_domain_id: Type.Optional(kinds.id), ...attributes },
  update: { name: Type.Optional(kinds.shortName), ...attributes },
  filters: { name: { column: 'name' }, enabled: { column: 'enabled', kind: 'boolean' } },
  section: 'resource',
  ownDomain: 'id',
  conditions: () => [{ column: 'is_domain', comparator: '=', value: 1 }],
  view: viewDomain,
  target: (row) => ({ target: { domain: { id: row.id } } }),
  async insert({ database: { db } }, input) {
    const row = {
      id: (input['explicit_domain_id'] as string | undefined) ?? newId(),
      name: input['name'] as string,
      domain_id: '',
      parent_id: null,
      is_domain: 1,
      enabled: input['enabled'] === false ? 0 : 1,
      description: (input['description'] as string | null | undefined) ?? '',
      options: JSON.stringify(input['options'] ?? {}),
      extra: extraOf(input, known),
    }
    if (!(await insertRow(db, 'projects', row)))
      throw new IdentityConflict('domain', `Duplicate entry found with name ${row.name}`)
    return row
  },
  async change({ database: { db } }, row, input) {
    const changes = {
      ...(input['name'] !== undefined && { name: input['name'] as string }),
      ...(input['description'] !== undefined && { description: (input['description'] as string | null) ?? '' }),
      ...(input['enabled'] !== undefined && { enabled: input['enabled'] ? 1 : 0 }),
      ...(input['options'] !== undefined && { options: JSON.stringify(input['options']) }),
      extra: extraOf(input, known, row.extra),
    }
    if ((await updateRow(db, 'projects', row.id, changes)) === 'taken') {
      throw new IdentityConflict('domain', `Duplicate entry found with name ${String(input['name'])}`)
    }
    return (await findRow(db, 'projects', { id: row.id }))!
  },
  async remove({ database }, row) {
    if (row.id === 'default') throw new ActionForbidden('delete the default domain')
    if (row.enabled === 1) {
      throw new Forbidden('Cannot delete a domain that is enabled, please disable it first.')
    }
    await deleteDomain(database, row.id)
  },
}
