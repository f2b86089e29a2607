/** Events of revocation. */
import type { IdentityDb, Row } from './rows.ts'

/** Events from a time on, the oldest first. */
export const revocationsSince = (db: IdentityDb, from: number): Promise<Row<'revocation_events'>[]> =>
  db.selectFrom('revocation_events').selectAll().where('revoked_at', '>=', from).orderBy('revoked_at').execute()

/**
 * A look-up by key, so that its cost does not depend on how much was ever revoked. A token ends with the one that its
 * chain began with (OSSA-2016-008).
 */
export async function isRevoked(db: IdentityDb, auditIds: readonly string[]): Promise<boolean> {
  const ids = [...auditIds]
  const found = await db
    .selectFrom('revocation_events')
    .select('id')
    .where((where) => where.or([where('audit_id', 'in', ids), where('audit_chain_id', 'in', ids)]))
    .limit(1)
    .execute()
  return found.length > 0
}

export async function forgetRevocationsBefore(db: IdentityDb, time: number): Promise<void> {
  await db.deleteFrom('revocation_events').where('revoked_at', '<', time).execute()
}
