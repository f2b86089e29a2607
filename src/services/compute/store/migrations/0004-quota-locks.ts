import { runStatements, type Migration } from '../../../../platform/db/migrate.ts'
import { lockTable } from '../../../../platform/db/owner-lock.ts'

/** The locks in the form that all services have. */
export const quotaLocks: Migration = {
  name: '0004-quota-locks',
  up: (db, engine) => runStatements(db, engine, lockTable),
}
