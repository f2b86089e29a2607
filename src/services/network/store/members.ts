/** Who is in a security group. */
import type { NetworkDb, Row } from './tables.ts'

type Port = Row<'ports'>

/** The security groups of a port. */
export const groupsIn = (port: Pick<Port, 'security_groups'>): string[] => JSON.parse(port.security_groups) as string[]

/** Ports that are in one of these security groups. */
export async function portsWithGroups(db: NetworkDb, ids: readonly string[]): Promise<Port[]> {
  if (ids.length === 0) return []
  return db
    .selectFrom('ports')
    .selectAll()
    .where('id', 'in', (eb) =>
      eb
        .selectFrom('security_group_members')
        .select('port_id')
        .where('security_group_id', 'in', [...ids]),
    )
    .execute()
}

export async function hasMembers(db: NetworkDb, id: string): Promise<boolean> {
  const member = await db
    .selectFrom('security_group_members')
    .select('port_id')
    .where('security_group_id', '=', id)
    .limit(1)
    .executeTakeFirst()
  return member !== undefined
}

/** Brings the members to what a port says now; undefined for a port that was or is not. */
export async function writeMembers(db: NetworkDb, before: Port | undefined, after: Port | undefined): Promise<void> {
  const isSame = before?.security_groups === after?.security_groups && before?.host_id === after?.host_id
  if (isSame) return
  if (before && groupsIn(before).length > 0)
    await db.deleteFrom('security_group_members').where('port_id', '=', before.id).execute()
  const members = after ? membersOf(after) : []
  if (members.length > 0) await db.insertInto('security_group_members').values(members).execute()
}

/** The rows for a port. */
const membersOf = ({ id, host_id, ...port }: Pick<Port, 'id' | 'host_id' | 'security_groups'>) =>
  [...new Set(groupsIn(port))].map((security_group_id) => ({ port_id: id, security_group_id, host_id }))
