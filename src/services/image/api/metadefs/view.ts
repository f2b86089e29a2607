import type { AssociationRow, NamespaceRow, PartRow, ResourceTypeRow } from '../../store/metadefs.ts'
import type { PropertySchema } from '../../operations/metadefs.ts'
import type { ShownNamespace } from './answers.ts'
import { iso } from '../images/view.ts'

const times = (row: { created_at: number; updated_at: number }) => ({
  created_at: iso(row.created_at),
  updated_at: iso(row.updated_at),
})

export const namespacePath = (name: string) => `/v2/metadefs/namespaces/${encodeURIComponent(name.toWellFormed())}`

/** Attributes that have no value are left out. */
export const viewNamespace = (row: NamespaceRow): ShownNamespace => ({
  namespace: row.namespace,
  ...(row.display_name !== null && { display_name: row.display_name }),
  ...(row.description !== null && { description: row.description }),
  visibility: row.visibility,
  protected: row.is_protected === 1,
  owner: row.owner,
  ...times(row),
  self: `/v2/metadefs/namespaces/${row.namespace}`,
  schema: '/v2/schemas/metadefs/namespace',
})

export const viewAssociation = (row: AssociationRow) => ({
  name: row.resource_type,
  ...(row.prefix !== null && { prefix: row.prefix }),
  ...(row.properties_target !== null && { properties_target: row.properties_target }),
  ...times(row),
})

export const viewResourceType = (row: ResourceTypeRow) => ({ name: row.name, ...times(row) })

export const viewObject = (namespace: string, row: PartRow<'metadef_objects'>) => ({
  name: row.name,
  ...(row.description !== null && { description: row.description }),
  required: JSON.parse(row.required) as string[],
  properties: JSON.parse(row.properties) as Record<string, PropertySchema>,
  ...times(row),
  self: `/v2/metadefs/namespaces/${namespace}/objects/${row.name}`,
  schema: '/v2/schemas/metadefs/object',
})

export const propertyOf = (row: PartRow<'metadef_properties'>) => JSON.parse(row.json_schema) as PropertySchema

export const viewProperties = (rows: readonly PartRow<'metadef_properties'>[]) =>
  Object.fromEntries(rows.map((row) => [row.name, propertyOf(row)]))

export const viewTag = (row: PartRow<'metadef_tags'>) => ({ name: row.name, ...times(row) })
