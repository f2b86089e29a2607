/** Revocations: ends tokens, and notes the event for those who ask `GET /v3/OS-REVOKE/events`. */
import type { IdentityDeps } from '../deps.ts'
import { forgetRevocationsBefore } from '../store/revocations.ts'
import { insertRow, type IdentityDb, type Row } from '../store/rows.ts'

type Event = Partial<Omit<Row<'revocation_events'>, 'id' | 'revoked_at'>>

const none = {
  audit_id: null,
  audit_chain_id: null,
  user_id: null,
  project_id: null,
  domain_id: null,
  trust_id: null,
  consumer_id: null,
}

/** Notes a revocation. Its effect is the caller's write in the same transaction, but for single tokens, which it is. */
export async function noteRevocation(db: IdentityDb, event: Event): Promise<void> {
  const id = crypto.randomUUID().replaceAll('-', '')
  await insertRow(db, 'revocation_events', { ...none, ...event, id, revoked_at: Date.now() })
}

/** Forgets events of tokens that nobody can show any more, not even to `allow_expired`. */
export async function forgetOldRevocations({ database, config }: IdentityDeps): Promise<void> {
  const longestMs = (config.expiration + config.allowExpiredWindow) * 1000
  await forgetRevocationsBefore(database.db, Date.now() - longestMs)
}
