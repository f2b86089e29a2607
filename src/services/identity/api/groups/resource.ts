import { orTaken } from '../../../../platform/db/rows.ts'
import { Type } from 'typebox'
import { IdentityConflict } from '../../errors.ts'
import { deleteGroups } from '../../operations/delete.ts'
import { insertRow, updateRow, type Row } from '../../store/rows.ts'
import { gatherDomain } from '../directory-listing.ts'
import { domainIdFor, requireDomain } from '../projects/resource.ts'
import { entity } from '../kit/entity.ts'
import { extraOf, extras } from '../kit/extra.ts'
import { createRoute, readRoutes, removeRoute, updateRoute } from '../kit/resource.ts'
import { newId } from '../../store/new-rows.ts'
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

export const groups = entity({
  table: 'groups',
  singular: 'group',
  answer: groupAnswer,
  plural: 'groups',
  filters: { name: { column: 'name' }, domain_id: { column: 'domain_id' } },
  view: viewGroup,
  target: (row) => ({ target: { group: { id: row.id, domain_id: row.domain_id } } }),
  section: 'identity',
  existsFirst: ['delete'],
  refresh: ({ residents }, id) => residents.refreshGroup(id),
  gather: (deps, request) => gatherDomain(deps, request, 'groups'),
  ownDomain: 'domain_id',
})

export const groupEntityRoutes = [
  ...readRoutes(groups),
  createRoute(groups, {
    schema: Type.Object({
      name: kinds.shortName,
      description: Type.Optional(kinds.description),
      domain_id: Type.Optional(kinds.id),
    }),
    target: (_db, input, _params, ctx) => ({ target: { group: { domain_id: domainIdFor(ctx, input) } } }),
    async insert(_db, deps, input, _params, ctx) {
      const domainId = domainIdFor(ctx, input)
      await requireDomain(deps, domainId)
      await deps.residents.requireWritable(domainId)
      const row = {
        id: newId(),
        name: input.name,
        domain_id: domainId,
        description: input.description ?? '',
        extra: extraOf(input, known),
      }
      if (!(await insertRow(deps.database.db, 'groups', row))) throw duplicate(row.name, domainId)
      return row
    },
  }),
  updateRoute(groups, {
    schema: Type.Object(
      { name: Type.Optional(kinds.shortName), description: Type.Optional(kinds.description) },
      { minProperties: 1 },
    ),
    async apply(_db, { database: { db }, residents }, row, input) {
      await residents.requireWritable(row.domain_id)
      const changes = {
        ...(input.name !== undefined && { name: input.name }),
        ...(input.description !== undefined && { description: input.description ?? '' }),
        extra: extraOf(input, known, row.extra),
      }
      if ((await orTaken(updateRow(db, 'groups', row.id, changes))) === 'taken')
        throw duplicate(String(input.name), row.domain_id)
    },
  }),
  removeRoute(groups, async (_db, { database, residents }, row) => {
    await residents.requireWritable(row.domain_id)
    await database.transaction((tx) => deleteGroups(tx, [row.id]))
  }),
]
