import { runStatements, type Migration } from '../../../../platform/db/migrate.ts'
import { lockTable } from '../../../../platform/db/owner-lock.ts'

/** Quotas are exact where several transactions run at once. */
export const quotaLocks: Migration = {
  name: '0005-quota-locks',
  up: (db, engine) => runStatements(db, engine, lockTable),
}
