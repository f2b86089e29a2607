import { runStatements, type Migration } from '../../../../platform/db/migrate.ts'
import { lockTable } from '../../../../platform/db/project-lock.ts'

/** Quotas are exact where several transactions run at once. */
export const projectLocks: Migration = {
  name: '0005-project-locks',
  up: (db, engine) => runStatements(db, engine, lockTable),
}
