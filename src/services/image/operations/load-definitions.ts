/** Metadata definitions from files and back, and those that come with the product. */
import { readFileSync } from 'node:fs'
import { atomically, type Migration } from '../../../platform/db/migrate.ts'
import {
  deleteNamespace,
  findNamespace,
  findPart,
  insertAssociation,
  insertPart,
  listAssociations,
  listNamespaces,
  listParts,
  updateNamespace,
  updatePart,
  type NamespaceRow,
} from '../store/metadefs.ts'
import type { ImageDb } from '../store/images.ts'
import { newAssociation, newObject, newProperty, newTag, writeNamespace, type NamespaceDefinition } from './metadefs.ts'

export interface LoadOptions {
  /** Also into namespaces that are there; without it they are left as they are. */
  merge?: boolean
  /** Where both have something, the file's wins. */
  preferNew?: boolean
  /** The namespace is made anew from the file. */
  overwrite?: boolean
}

/** Who owns namespaces whose file names nobody. */
const system = 'admin'

export type LoadResult = 'made' | 'merged' | 'left'

/** Writes a namespace with everything in it. */
export async function loadNamespace(
  tx: ImageDb,
  definition: NamespaceDefinition,
  { merge = false, preferNew = false, overwrite = false }: LoadOptions = {},
): Promise<LoadResult> {
  const existing = await findNamespace(tx, definition.namespace)
  if (existing && overwrite) await deleteNamespace(tx, existing.id)
  if (!existing || overwrite) {
    await writeNamespace(tx, definition, system, true)
    return 'made'
  }
  if (!merge) return 'left'
  await mergeNamespace(tx, existing, definition, preferNew)
  return 'merged'
}

async function mergeNamespace(tx: ImageDb, row: NamespaceRow, definition: NamespaceDefinition, preferNew: boolean) {
  const { id } = row
  if (preferNew) {
    const { display_name = null, description = null, visibility = row.visibility } = definition
    await updateNamespace(tx, id, { display_name, description, visibility, updated_at: Date.now() })
  }
  const types = new Set((await listAssociations(tx, [id])).map((each) => each.resource_type))
  for (const each of definition.resource_type_associations ?? [])
    if (!types.has(each.name)) await insertAssociation(tx, newAssociation(id, each), true)
  for (const [name, schema] of Object.entries(definition.properties ?? {})) {
    const there = await findPart(tx, 'metadef_properties', id, name)
    const fresh = newProperty(id, name, schema)
    if (!there) await insertPart(tx, 'metadef_properties', fresh)
    else if (preferNew) await updatePart(tx, 'metadef_properties', there.id, { json_schema: fresh.json_schema })
  }
  for (const object of definition.objects ?? []) {
    const there = await findPart(tx, 'metadef_objects', id, object.name)
    const fresh = newObject(id, object)
    if (!there) await insertPart(tx, 'metadef_objects', fresh)
    else if (preferNew) await updatePart(tx, 'metadef_objects', there.id, { ...fresh, id: there.id })
  }
  for (const { name } of definition.tags ?? [])
    if (!(await findPart(tx, 'metadef_tags', id, name))) await insertPart(tx, 'metadef_tags', newTag(id, name))
}

/** All namespaces as files have them. */
export async function exportNamespaces(db: ImageDb): Promise<NamespaceDefinition[]> {
  const rows = await listNamespaces(db, {
    projectId: null,
    visibility: undefined,
    resourceTypes: undefined,
    sort: 'namespace',
    direction: 'asc',
    marker: undefined,
    limit: undefined,
  })
  const whole: NamespaceDefinition[] = []
  for (const row of rows) {
    const [types, properties, objects, tags] = [
      await listAssociations(db, [row.id]),
      await listParts(db, 'metadef_properties', row.id, { sort: 'name' }),
      await listParts(db, 'metadef_objects', row.id, { sort: 'name' }),
      await listParts(db, 'metadef_tags', row.id, { sort: 'name' }),
    ]
    whole.push({
      namespace: row.namespace,
      display_name: row.display_name,
      description: row.description,
      visibility: row.visibility,
      protected: row.is_protected === 1,
      owner: row.owner,
      resource_type_associations: types.map(({ resource_type, prefix, properties_target }) => ({
        name: resource_type,
        ...(prefix !== null && { prefix }),
        ...(properties_target !== null && { properties_target }),
      })),
      properties: Object.fromEntries(
        properties.map((each) => [each.name, JSON.parse(each.json_schema) as Record<string, unknown>]),
      ),
      objects: objects.map((each) => ({
        name: each.name,
        ...(each.description !== null && { description: each.description }),
        required: JSON.parse(each.required) as string[],
        properties: JSON.parse(each.properties) as Record<string, Record<string, unknown>>,
      })),
      tags: tags.map(({ name }) => ({ name })),
    })
  }
  return whole
}

/** The definitions of the product. */
export const readDefaults = (): NamespaceDefinition[] =>
  JSON.parse(readFileSync(new URL('../metadefs/definitions.json', import.meta.url), 'utf8')) as NamespaceDefinition[]

/** Once, into a new database: what an operator removes later stays away. */
export const defaultDefinitions: Migration = {
  name: '0003-default-definitions',
  async up(db) {
    // The steps before this one have made the tables.
    await atomically(db as unknown as ImageDb, async (tx) => {
      for (const definition of readDefaults()) await loadNamespace(tx, definition)
    })
  },
}
