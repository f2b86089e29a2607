/** How metadata definitions are answered. */
import { Type, type TSchema } from 'typebox'
import { exactly, nullable, type Shown } from '../../../../platform/http/answers.ts'

const text = Type.String()
const times = { created_at: text, updated_at: text }
const ownPaths = { self: text, schema: text }

/** A JSON schema of glance's kind. */
const property = Type.Record(text, Type.Unknown())
export const propertiesAnswer = exactly({ properties: Type.Record(text, property) })
export const propertyAnswer = Type.Object({ name: text }, { additionalProperties: Type.Unknown() })

export const objectAnswer = exactly({
  name: text,
  description: Type.Optional(text),
  required: Type.Array(text),
  properties: Type.Record(text, property),
  ...times,
  ...ownPaths,
})
export const objectsAnswer = exactly({ objects: Type.Array(objectAnswer), schema: text })

const bareTag = exactly({ name: text })
export const tagAnswer = exactly({ name: text, ...times })
export const tagsAnswer = exactly({ tags: Type.Array(bareTag) })

export const associationAnswer = exactly({
  name: text,
  prefix: Type.Optional(text),
  properties_target: Type.Optional(text),
  ...times,
})
export const associationsAnswer = exactly({ resource_type_associations: Type.Array(associationAnswer) })
export const resourceTypesAnswer = exactly({ resource_types: Type.Array(exactly({ name: text, ...times })) })

const namespace = {
  namespace: text,
  display_name: Type.Optional(text),
  description: Type.Optional(text),
  visibility: text,
  protected: Type.Boolean(),
  owner: text,
  ...times,
  ...ownPaths,
}
export const namespaceAnswer = exactly(namespace)
export type ShownNamespace = Shown<typeof namespaceAnswer>

/** A namespace with what is in it. */
const full = <A extends TSchema, O extends TSchema>(association: A, object: O) =>
  exactly({
    ...namespace,
    resource_type_associations: Type.Optional(Type.Array(association)),
    properties: Type.Optional(Type.Record(text, property)),
    objects: Type.Optional(Type.Array(object)),
    tags: Type.Optional(Type.Array(bareTag)),
  })
export const wholeAnswer = full(associationAnswer, objectAnswer)

/** What was made shows its parts as they were given. */
export const madeAnswer = full(
  exactly({
    name: text,
    prefix: Type.Optional(nullable(text)),
    properties_target: Type.Optional(nullable(text)),
  }),
  exactly({
    name: text,
    description: Type.Optional(nullable(text)),
    required: Type.Optional(Type.Array(text)),
    properties: Type.Optional(Type.Record(text, property)),
  }),
)
export const namespacesAnswer = exactly({
  namespaces: Type.Array(
    exactly({ ...namespace, resource_type_associations: Type.Optional(Type.Array(associationAnswer)) }),
  ),
  first: text,
  next: Type.Optional(text),
  schema: text,
})
