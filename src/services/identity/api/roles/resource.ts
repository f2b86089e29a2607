import { orTaken } from '../../../../platform/db/rows.ts'
import { Type } from 'typebox'
import { IdentityConflict } from '../../errors.ts'
import { deleteRoles } from '../../operations/delete.ts'
import { insertRow, updateRow, type Row } from '../../store/rows.ts'
import { last } from '../../../../platform/http/route.ts'
import { requireDomain } from '../projects/resource.ts'
import { mergeOptions } from '../../users/options.ts'
import { requireDeletable, requireMutable } from '../immutable.ts'
import { entity } from '../kit/entity.ts'
import { extraOf, extras } from '../kit/extra.ts'
import { createRoute, readRoutes, removeRoute, updateRoute } from '../kit/resource.ts'
import { newId } from '../../store/new-rows.ts'
import { kinds } from '../schema.ts'
import type { Shown } from '../../../../platform/http/answers.ts'
import { nullableText, open, text } from '../answers.ts'

const known = ['name', 'description', 'domain_id', 'options']

export const roleAnswer = open({
  id: text,
  name: text,
  domain_id: nullableText,
  description: nullableText,
  options: Type.Record(text, Type.Unknown()),
})

export const viewRole = (row: Row<'roles'>): Shown<typeof roleAnswer> => ({
  ...extras(row),
  id: row.id,
  name: row.name,
  domain_id: row.domain_id === '' ? null : row.domain_id,
  description: row.description,
  options: JSON.parse(row.options) as Record<string, unknown>,
})

const duplicate = (name: string, domainId: string) =>
  new IdentityConflict(
    'role',
    `Duplicate entry found with name ${name}${domainId === '' ? '' : ` at domain ID ${domainId}`}`,
  )

export const roles = entity({
  table: 'roles',
  singular: 'role',
  answer: roleAnswer,
  plural: 'roles',
  filters: { name: { column: 'name' }, domain_id: { column: 'domain_id' } },
  view: viewRole,
  target: (row) => ({
    target: { role: { id: row.id, name: row.name, domain_id: row.domain_id === '' ? null : row.domain_id } },
  }),
  section: 'role',
  existsFirst: ['show', 'update', 'delete'],
  rules: {
    list: ['list_roles', 'list_domain_roles'],
    show: ['get_role', 'get_domain_role'],
    create: ['create_role', 'create_domain_role'],
    update: ['update_role', 'update_domain_role'],
    delete: ['delete_role', 'delete_domain_role'],
  },
  ruleFor: (verb, { row, input, query }) => {
    const isOfDomain = (row?.domain_id ?? input?.['domain_id'] ?? (query && last(query, 'domain_id'))) || undefined
    const name = { list: 'list', show: 'get', create: 'create', update: 'update', delete: 'delete' }[verb]
    return `${name}${isOfDomain ? '_domain' : ''}_role${verb === 'list' ? 's' : ''}`
  },
  // Roles of domains are only listed by their domain.
  conditions: (query) => (last(query, 'domain_id') ? [] : [{ column: 'domain_id', comparator: '=', value: '' }]),
})

export const roleRoutes = [
  ...readRoutes(roles),
  createRoute(roles, {
    schema: Type.Object({
      name: kinds.name,
      description: Type.Optional(kinds.description),
      domain_id: Type.Optional(kinds.optionalId),
      options: Type.Optional(kinds.options),
    }),
    target: (_db, input) => ({
      target: { role: { name: input.name, domain_id: input.domain_id || null } },
    }),
    async insert(_db, deps, input) {
      if (input.domain_id) await requireDomain(deps, input.domain_id)
      const row = {
        id: newId(),
        name: input.name,
        domain_id: input.domain_id ?? '',
        description: input.description ?? null,
        options: JSON.stringify(input.options ?? {}),
        extra: extraOf(input, known),
      }
      if (!(await insertRow(deps.database.db, 'roles', row))) throw duplicate(row.name, row.domain_id)
      return row
    },
  }),
  updateRoute(roles, {
    schema: Type.Object(
      {
        name: Type.Optional(kinds.name),
        description: Type.Optional(kinds.description),
        options: Type.Optional(kinds.options),
      },
      { minProperties: 1 },
    ),
    async apply(_db, { database: { db } }, row, input) {
      requireMutable(row, 'role', input)
      const changes = {
        ...(input.name !== undefined && { name: input.name }),
        ...(input.description !== undefined && { description: input.description }),
        ...(input.options !== undefined && { options: mergeOptions(row.options, input.options) }),
        extra: extraOf(input, known, row.extra),
      }
      if ((await orTaken(updateRow(db, 'roles', row.id, changes))) === 'taken') {
        throw duplicate(String(input.name), row.domain_id)
      }
    },
  }),
  removeRoute(roles, (_db, { database }, row) => {
    requireDeletable(row, 'role')
    return database.transaction((tx) => deleteRoles(tx, [row.id]))
  }),
]
