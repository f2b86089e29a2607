import { Type } from 'typebox'
import { since, type Shown } from '../../../../platform/http/answers.ts'
import { bodies } from '../../../../platform/http/schema.ts'
import { closed, generation, links, nullableUuid, uuid } from '../schema.ts'

const name = Type.String({ maxLength: 200 })
const parent = Type.Optional(nullableUuid)
const createFlat = { name, uuid: Type.Optional(uuid) }
const createNested = Type.Object({ ...createFlat, parent_provider_uuid: parent }, closed)
const updateNested = Type.Object({ name, parent_provider_uuid: parent }, closed)

export const createBody = bodies(createNested, [
  ['initial', Type.Object(createFlat, closed)],
  ['nested', createNested],
])
export const updateBody = bodies(updateNested, [
  ['initial', Type.Object({ name }, closed)],
  ['nested', updateNested],
])

const text = Type.Optional(Type.String())
const byName = { name: text, uuid: Type.Optional(uuid) }
const byAggregate = { ...byName, member_of: text }
const byResources = { ...byAggregate, resources: text }
const byTree = { ...byResources, in_tree: Type.Optional(uuid) }
const byTraits = Type.Object({ ...byTree, required: text }, closed)

export const listQuery = bodies(byTraits, [
  ['initial', Type.Object(byName, closed)],
  ['member-of', Type.Object(byAggregate, closed)],
  ['provider-resources', Type.Object(byResources, closed)],
  ['nested', Type.Object(byTree, closed)],
  ['provider-required', byTraits],
])

export const providerAnswer = Type.Object(
  {
    uuid,
    name,
    generation,
    links,
    parent_provider_uuid: since('nested', nullableUuid),
    root_provider_uuid: since('nested', nullableUuid),
  },
  closed,
)
export type ShownProvider = Shown<typeof providerAnswer>

export const listAnswer = Type.Object({ resource_providers: Type.Array(providerAnswer) }, closed)
