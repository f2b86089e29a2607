import { Type } from 'typebox'
import type { Shown } from '../../../../platform/http/answers.ts'
import { addressGroupNotFound } from '../../errors.ts'
import { changeAddresses, insertAddressGroup, removeAddressGroup } from '../../operations/address-groups.ts'
import { changed } from '../../operations/changes.ts'
import { parseList, touched, updateRow, type Row } from '../../store/rows.ts'
import { ownedTargets, ownScope, collection } from '../kit/collection.ts'
import { actionRoute, createRoute, readRoutes, removeRoute, updateRoute } from '../kit/resource.ts'
import { shown, standardFields } from '../kit/answers.ts'
import { filtersOf, standard } from '../kit/listing.ts'
import { closed, kinds } from '../kit/schema.ts'

const addressGroupAnswer = closed({ ...standardFields, addresses: shown.texts, shared: shown.boolean })

const view = (row: Row<'address_groups'>): Shown<typeof addressGroupAnswer> => ({
  ...standard(row),
  addresses: parseList(row.addresses),
  shared: false,
})

export const addressGroups = collection({
  singular: 'address_group',
  answer: addressGroupAnswer,
  table: 'address_groups',
  shows: ['addresses'],
  filters: filtersOf('shared'),
  columns: ['id', 'name', 'project_id', 'tenant_id'],
  scope: ownScope,
  notFound: addressGroupNotFound,
  targets: ownedTargets,
  views: (_db, rows) => Promise.resolve(rows.map(view)),
})

const addresses = Type.Array(Type.String({ maxLength: 64 }), { maxItems: 1000 })
const attributes = {
  name: Type.Optional(kinds.name),
  description: Type.Optional(Type.String({ maxLength: 1024 })),
}

const change = (how: 'add' | 'remove') =>
  actionRoute(
    addressGroups,
    `${how}_addresses`,
    closed({ addresses }),
    closed({ address_group: addressGroupAnswer }),
    async (tx, _deps, row, input) => ({
      address_group: view(await changeAddresses(tx, row, input.addresses, how)),
    }),
  )

export const addressGroupRoutes = [
  ...readRoutes(addressGroups),
  createRoute(addressGroups, {
    schema: closed({
      ...attributes,
      ...kinds.owner,
      addresses: Type.Optional(kinds.list(Type.String({ maxLength: 64 }), { maxItems: 1000 })),
    }),
    insert: (tx, deps, input, projectId) => insertAddressGroup(tx, deps, projectId, input),
  }),
  updateRoute(addressGroups, {
    schema: closed(attributes),
    async apply(tx, _deps, row, input) {
      await updateRow(tx, 'address_groups', row.id, { ...changed(input, ['name', 'description']), ...touched(row) })
    },
  }),
  removeRoute(addressGroups, (tx, _deps, row) => removeAddressGroup(tx, row)),
  change('add'),
  change('remove'),
]
