/** Revocations: ends tokens, and notes the event for those who ask `GET /v3/OS-REVOKE/events`. */
import type { Insertable } from 'kysely'
import type { IdentityDeps } from '../deps.ts'
import type { IdentityDb } from '../store/rows.ts'
import type { IdentitySchema } from '../store/tables.ts'

type Event = Partial<Omit<Insertable<IdentitySchema['revocation_events']>, 'id' | 'revoked_at'>>

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
  await db
    .insertInto('revocation_events')
    .values({ ...none, ...event, id, revoked_at: Date.now() })
    .execute()
}

/** Forgets events of tokens that nobody can show any more, not even to `allow_expired`. */
export async function forgetOldRevocations({ database, config }: IdentityDeps): Promise<void> {
  const longestMs = (config.expiration + config.allowExpiredWindow) * 1000
  await database.db
    .deleteFrom('revocation_events')
    .where('revoked_at', '<', Date.now() - longestMs)
    .execute()
}
