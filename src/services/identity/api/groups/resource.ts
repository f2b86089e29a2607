import { orTaken } from '../../../../platform/db/rows.ts'
import { Type } from 'typebox'
import { IdentityConflict } from '../../errors.ts'
import { deleteGroups } from '../../operations/delete.ts'
import { findRow, insertRow, updateRow, type Row } from '../../store/rows.ts'
import { gatherDomain } from '../directory-listing.ts'
import { domainIdFor, requireDomain } from '../projects/resource.ts'
import { extraOf, extras, newId, type Entity } from '../resource.ts'
import { kinds } from '../schema.ts'
import type { Shown } from '../../../../platform/http/answers.ts'
import { nullableText, open, text } from '../answers.ts'

const known = ['name', 'description', 'domain_id']

const groupAnswer = open({ id: text, name: text, domain_id: text, description: nullableText })

export const viewGroup = (row: Row<'groups'>): Shown<typeof groupAnswer> => ({
  ...extras(row),
  id: row.id,
  name: row.name,
  domain_id: row.domain_id,
  description: row.description,
})

const duplicate = (name: string, domainId: string) =>
  new IdentityConflict('group', `Duplicate entry found with name ${name} at domain ID ${domainId}`)

export const groups: Entity<'groups'> = {
  table: 'groups',
  singular: 'group',
  answer: groupAnswer,
  plural: 'groups',
  create: { name: kinds.shortName, description: Type.Optional(kinds.description), domain_id: Type.Optional(kinds.id) },
  update: { name: Type.Optional(kinds.shortName), description: Type.Optional(kinds.description) },
  filters: { name: { column: 'name' }, domain_id: { column: 'domain_id' } },
  view: viewGroup,
  target: (row) => ({ target: { group: { id: row.id, domain_id: row.domain_id } } }),
  newTarget: (ctx, input) => ({ target: { group: { domain_id: domainIdFor(ctx, input) } } }),
  section: 'identity',
  existsFirst: ['delete'],
  refresh: ({ residents }, id) => residents.refreshGroup(id),
  gather: (deps, request) => gatherDomain(deps, request, 'groups'),
  ownDomain: 'domain_id',
  async insert(deps, input, ctx) {
    const domainId = domainIdFor(ctx, input)
    await requireDomain(deps, domainId)
    await deps.residents.requireWritable(domainId)
    const row = {
      id: newId(),
      name: input['name'] as string,
      domain_id: domainId,
      description: (input['description'] as string | null | undefined) ?? '',
      extra: extraOf(input, known),
    }
    if (!(await insertRow(deps.database.db, 'groups', row))) throw duplicate(row.name, domainId)
    return row
  },
  async change({ database: { db }, residents }, row, input) {
    await residents.requireWritable(row.domain_id)
    const changes = {
      ...(input['name'] !== undefined && { name: input['name'] as string }),
      ...(input['description'] !== undefined && { description: (input['description'] as string | null) ?? '' }),
      extra: extraOf(input, known, row.extra),
    }
    if ((await orTaken(updateRow(db, 'groups', row.id, changes))) === 'taken')
      throw duplicate(String(input['name']), row.domain_id)
    return (await findRow(db, 'groups', { id: row.id }))!
  },
  async remove({ database, residents }, row) {
    await residents.requireWritable(row.domain_id)
    await database.transaction((tx) => deleteGroups(tx, [row.id]))
  },
}
