import { Type } from 'typebox'
import { largestAmount } from '../../model/capacity.ts'
import { closed, generation, namePattern } from '../schema.ts'

const amount = (minimum: number) => Type.Integer({ minimum, maximum: largestAmount })
const record = {
  total: amount(1),
  reserved: Type.Optional(amount(0)),
  min_unit: Type.Optional(amount(1)),
  max_unit: Type.Optional(amount(1)),
  step_size: Type.Optional(amount(1)),
  allocation_ratio: Type.Optional(Type.Number({ maximum: 3.40282e38 })),
}

export const inventoryRecord = Type.Object(
  { ...record, resource_provider_generation: Type.Optional(generation) },
  closed,
)
export const createBody = Type.Object(
  {
    ...record,
    resource_provider_generation: Type.Optional(generation),
    resource_class: Type.String({ pattern: namePattern }),
  },
  closed,
)
export const updateBody = Type.Object({ ...record, resource_provider_generation: generation }, closed)
export const replaceBody = Type.Object(
  {
    resource_provider_generation: generation,
    inventories: Type.Record(Type.String({ pattern: namePattern }), inventoryRecord),
  },
  closed,
)

const rule = {
  total: Type.Integer(),
  reserved: Type.Integer(),
  min_unit: Type.Integer(),
  max_unit: Type.Integer(),
  step_size: Type.Integer(),
  allocation_ratio: Type.Number(),
}
/** A provider's first generation is not shown. */
export const oneAnswer = Type.Object({ ...rule, resource_provider_generation: Type.Optional(generation) }, closed)
export const allAnswer = Type.Object(
  {
    resource_provider_generation: generation,
    inventories: Type.Record(Type.String(), Type.Object(rule, closed)),
  },
  closed,
)
