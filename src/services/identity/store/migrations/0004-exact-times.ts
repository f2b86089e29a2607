import { addColumn, type Migration } from '../../../../platform/db/migrate.ts'

/** Clients read the `expires_at` of an application credential back as they wrote it, to the microsecond. */
export const exactTimes: Migration = {
  name: '0004-exact-times',
  up: (db, engine) => addColumn(db, engine, 'application_credentials', 'expires_micros integer not null default 0'),
}
