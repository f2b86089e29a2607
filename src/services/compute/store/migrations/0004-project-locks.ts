import { runStatements, type Migration } from '../../../../platform/db/migrate.ts'
import { lockTable } from '../../../../platform/db/project-lock.ts'

/** The locks in the form that all services have. */
export const projectLocks: Migration = {
  name: '0004-project-locks',
  up: (db, engine) => runStatements(db, engine, lockTable),
}
