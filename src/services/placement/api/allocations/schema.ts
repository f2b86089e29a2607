import { Type, type TObject, type TProperties } from 'typebox'
import { since, type Shown } from '../../../../platform/http/answers.ts'
import { bodies } from '../../../../platform/http/schema.ts'
import { amounts, closed, generation as integer, namePattern, uuid, uuidKey } from '../schema.ts'

const resources = Type.Record(Type.String({ pattern: namePattern }), Type.Integer({ minimum: 1 }), {
  minProperties: 1,
  ...closed,
})
const id = Type.String({ minLength: 1, maxLength: 255 })
const who = { project_id: id, user_id: id }
const asList = Type.Array(Type.Object({ resource_provider: Type.Object({ uuid }, closed), resources }, closed), {
  minItems: 1,
})
const asMap = (minProperties: number) =>
  Type.Record(
    Type.String({ pattern: uuidKey }),
    Type.Object({ resources, generation: Type.Optional(Type.Integer()) }, closed),
    { minProperties, ...closed },
  )
const generation = { consumer_generation: Type.Union([Type.Integer(), Type.Null()]) }
const mappings = {
  mappings: Type.Optional(
    Type.Record(Type.String({ pattern: '[a-zA-Z0-9_-]{1,64}' }), Type.Array(uuid, { minItems: 1 }), {
      minProperties: 1,
    }),
  ),
}
const type = { consumer_type: Type.String({ pattern: namePattern, minLength: 1, maxLength: 255 }) }

const deletable = { allocations: asMap(0), ...who }
const since1_28 = { ...deletable, ...generation }
const since1_34 = { ...since1_28, ...mappings }
const since1_38 = { ...since1_34, ...type }

/** Every field that any version knows. */
export const widest = Type.Object({
  allocations: Type.Union([asList, asMap(0)]),
  project_id: Type.Optional(id),
  user_id: Type.Optional(id),
  consumer_generation: Type.Optional(generation.consumer_generation),
  consumer_type: Type.Optional(type.consumer_type),
})

const object = (properties: TProperties): TObject => Type.Object(properties, closed)

export const replaceBody = bodies(widest, [
  ['initial', object({ allocations: asList })],
  ['project-user-required', object({ allocations: asList, ...who })],
  ['allocations-by-provider', object({ allocations: asMap(1), ...who })],
  ['consumer-generation', object(since1_28)],
  ['mappings', object(since1_34)],
  ['consumer-types', object(since1_38)],
])

/** Several consumers, by uuid. */
const many = (properties: TProperties, minProperties: number) =>
  Type.Record(Type.String({ pattern: uuidKey }), object(properties), { minProperties, ...closed })

export const widestMany = Type.Record(Type.String(), widest)

export const manageBody = bodies(widestMany, [
  ['post-allocations', many(deletable, 1)],
  ['consumer-generation', many(since1_28, 1)],
  ['mappings', many(since1_34, 1)],
  ['consumer-types', many(since1_38, 1)],
])

/** What the reshaper takes: also none. */
export const reshapeAllocations = {
  'consumer-generation': many(since1_28, 0),
  mappings: many(since1_34, 0),
  'consumer-types': many(since1_38, 0),
} as const

const taken = Type.Object({ resources: amounts, generation: integer }, closed)
/** A consumer that has nothing has nothing else to show. */
export const ofConsumerAnswer = Type.Object(
  {
    allocations: Type.Record(Type.String(), taken),
    project_id: since('allocations-by-provider', Type.Optional(id)),
    user_id: since('allocations-by-provider', Type.Optional(id)),
    consumer_generation: since('consumer-generation', Type.Optional(integer)),
    consumer_type: since('consumer-types', Type.Optional(Type.String())),
  },
  closed,
)
export type ShownConsumer = Shown<typeof ofConsumerAnswer>

export const ofProviderAnswer = Type.Object(
  {
    allocations: Type.Record(
      Type.String(),
      Type.Object({ resources: amounts, consumer_generation: since('consumer-generation', integer) }, closed),
    ),
    resource_provider_generation: integer,
  },
  closed,
)
export type ShownConsumers = Shown<typeof ofProviderAnswer>
