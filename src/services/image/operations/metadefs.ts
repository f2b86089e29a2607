/** Writing metadata definitions: from the API and from files. */
import { randomUUID } from 'node:crypto'
import type { ImageDeps } from '../deps.ts'
import { ImageConflict, ImageForbidden } from '../errors.ts'
import {
  deleteNamespace,
  insertAssociation,
  insertNamespace,
  insertPart,
  type NamespaceRow,
  type PartRow,
} from '../store/metadefs.ts'
import type { ImageDb } from '../store/images.ts'

export type PropertySchema = Readonly<Record<string, unknown>>

export interface ObjectDefinition {
  name: string
  description?: string | null
  required?: readonly string[]
  properties?: Readonly<Record<string, PropertySchema>>
}

export interface AssociationDefinition {
  name: string
  prefix?: string | null
  properties_target?: string | null
}

/** A namespace as files and requests have it. */
export interface NamespaceDefinition {
  namespace: string
  display_name?: string | null
  description?: string | null
  visibility?: 'public' | 'private'
  protected?: boolean
  owner?: string
  resource_type_associations?: readonly AssociationDefinition[]
  properties?: Readonly<Record<string, PropertySchema>>
  objects?: readonly ObjectDefinition[]
  tags?: readonly { name: string }[]
}

const known = (
  'type title description operators default readonly minimum maximum enum pattern minLength maxLength confidential ' +
  'items uniqueItems minItems maxItems additionalItems'
).split(' ')

/** Of a property definition what glance knows; the rest is dropped. */
export const cleanProperty = (schema: PropertySchema): PropertySchema =>
  Object.fromEntries(Object.entries(schema).filter(([name, value]) => known.includes(name) && value !== null))

const cleanProperties = (properties: ObjectDefinition['properties'] = {}) =>
  Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, cleanProperty(schema)]))

export const objectColumns = ({ name, description, required, properties }: ObjectDefinition) => ({
  name,
  description: description ?? null,
  required: JSON.stringify(required ?? []),
  properties: JSON.stringify(cleanProperties(properties)),
})

const stamp = () => ({ id: randomUUID(), created_at: Date.now(), updated_at: Date.now() })

export const newObject = (namespaceId: string, definition: ObjectDefinition): PartRow<'metadef_objects'> => ({
  ...stamp(),
  namespace_id: namespaceId,
  ...objectColumns(definition),
})

export const newProperty = (
  namespaceId: string,
  name: string,
  schema: PropertySchema,
): PartRow<'metadef_properties'> => ({
  id: randomUUID(),
  namespace_id: namespaceId,
  name,
  json_schema: JSON.stringify(cleanProperty(schema)),
  created_at: Date.now(),
})

export const newTag = (namespaceId: string, name: string): PartRow<'metadef_tags'> => ({
  ...stamp(),
  namespace_id: namespaceId,
  name,
})

export const newAssociation = (namespaceId: string, definition: AssociationDefinition) => ({
  namespace_id: namespaceId,
  resource_type: definition.name,
  prefix: definition.prefix ?? null,
  properties_target: definition.properties_target ?? null,
  created_at: Date.now(),
  updated_at: Date.now(),
})

/** All of a namespace or nothing of it. Throws ImageConflict. */
export function createNamespace(
  { database }: Pick<ImageDeps, 'database'>,
  definition: NamespaceDefinition,
  owner: string,
): Promise<NamespaceRow> {
  return database.transaction((tx) => writeNamespace(tx, definition, owner))
}

/** As createNamespace, in a transaction that is open. `isSeeded`: its resource types are part of the system. */
export async function writeNamespace(
  tx: ImageDb,
  definition: NamespaceDefinition,
  owner: string,
  isSeeded = false,
): Promise<NamespaceRow> {
  const { namespace, visibility = 'private', protected: isProtected = false } = definition
  const row: NamespaceRow = {
    ...stamp(),
    namespace,
    display_name: definition.display_name ?? null,
    description: definition.description ?? null,
    visibility,
    is_protected: isProtected ? 1 : 0,
    owner: definition.owner ?? owner,
  }
  if (!(await insertNamespace(tx, row)))
    throw new ImageConflict(`The metadata definition namespace=${namespace} already exists.`)
  for (const each of definition.resource_type_associations ?? [])
    if (!(await insertAssociation(tx, newAssociation(row.id, each), isSeeded)))
      throw duplicateAssociation(each.name, namespace)
  for (const each of definition.objects ?? [])
    if (!(await insertPart(tx, 'metadef_objects', newObject(row.id, each))))
      throw duplicate('definition object', each.name, namespace)
  for (const [name, schema] of Object.entries(definition.properties ?? {}))
    await insertPart(tx, 'metadef_properties', newProperty(row.id, name, schema))
  for (const { name } of definition.tags ?? [])
    if (!(await insertPart(tx, 'metadef_tags', newTag(row.id, name)))) throw duplicate('tag', name, namespace)
  return row
}

export const duplicate = (kind: 'definition object' | 'definition property' | 'tag', name: string, namespace: string) =>
  new ImageConflict(`A metadata ${kind} with name=${name} already exists in namespace=${namespace}.`)

export const duplicateAssociation = (name: string, namespace: string) =>
  new ImageConflict(
    `The metadata definition resource-type association of resource-type=${name} to namespace=${namespace} already exists.`,
  )

/** Throws ImageForbidden where the namespace is protected: then nothing of it may go. */
export function requireUnprotected(namespace: NamespaceRow, what = `namespace ${namespace.namespace}`) {
  if (namespace.is_protected === 1)
    throw new ImageForbidden(`Metadata definition ${what} is protected and cannot be deleted.`)
}

export async function removeNamespace({ database }: Pick<ImageDeps, 'database'>, namespace: NamespaceRow) {
  requireUnprotected(namespace)
  await database.transaction((tx) => deleteNamespace(tx, namespace.id))
}
