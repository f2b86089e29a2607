import { parseList, type NetworkDb, type Row } from './rows.ts'

/** Ports that are in one of these security groups. */
export async function portsWithGroups(db: NetworkDb, ids: readonly string[]): Promise<Row<'ports'>[]> {
  if (ids.length === 0) return []
  const wanted = new Set(ids)
  const rows = await db
    .selectFrom('ports')
    .selectAll()
    .where((eb) => eb.or(ids.map((id) => eb('security_groups', 'like', `%"${id}"%`))))
    .execute()
  // Groups are kept as a list in one column; a uuid has nothing that `like` reads otherwise.
  return rows.filter((row) => parseList<string>(row.security_groups).some((id) => wanted.has(id)))
}
