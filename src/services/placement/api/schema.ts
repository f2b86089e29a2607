/** What several resources have in common. */
import { Type } from 'typebox'

export const closed = { additionalProperties: false } as const
export const uuid = Type.String({ format: 'uuid-like' })
/** Upstream's pattern of uuids as keys. */
export const uuidKey = '^[0-9a-fA-F-]{36}$'
/** Names of resource classes, traits and types of consumers. */
export const namePattern = '^[A-Z0-9_]+$'
export const customPattern = '^CUSTOM_[A-Z0-9_]+$'
export const generation = Type.Integer()
/** What is answered of each resource class. */
export const amounts = Type.Record(Type.String(), Type.Integer())
export const nullableUuid = Type.Union([uuid, Type.Null()])
const link = Type.Object({ rel: Type.String(), href: Type.String() }, closed)
export const links = Type.Array(link)
