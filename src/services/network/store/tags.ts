import { deleteRows, insertRow, listRows, type NetworkDb } from './rows.ts'

/** Collections whose resources may have tags. */
export type Taggable = 'networks' | 'subnets' | 'ports' | 'routers' | 'floatingips' | 'security-groups' | 'subnetpools'

/** Beyond this, one query for the whole kind is cheaper than a list of ids. */
const idsAtMost = 500

/** The tags of each of these resources, in alphabetical order. */
export async function tagsOf(db: NetworkDb, type: Taggable, ids: readonly string[]): Promise<Map<string, string[]>> {
  if (ids.length === 0) return new Map()
  const where = ids.length > idsAtMost ? { resource_type: type } : { resource_type: type, resource_id: ids }
  const rows = Map.groupBy(await listRows(db, 'tags', where), (row) => row.resource_id)
  return new Map([...rows].map(([id, tags]) => [id, tags.map(({ tag }) => tag).sort()]))
}

export async function replaceTags(db: NetworkDb, type: Taggable, id: string, tags: readonly string[]): Promise<void> {
  await deleteRows(db, 'tags', { resource_type: type, resource_id: id })
  await addTags(db, type, id, tags)
}

export async function addTags(db: NetworkDb, type: Taggable, id: string, tags: readonly string[]): Promise<void> {
  for (const tag of new Set(tags)) await insertRow(db, 'tags', { resource_type: type, resource_id: id, tag })
}

export const removeTag = (db: NetworkDb, type: Taggable, id: string, tag: string): Promise<number> =>
  deleteRows(db, 'tags', { resource_type: type, resource_id: id, tag })
