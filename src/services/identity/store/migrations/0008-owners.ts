import { leaseTables } from '../../../../platform/db/lease.ts'
import type { Migration } from '../../../../platform/db/migrate.ts'
import { periodicTables } from '../../../../platform/periodic/periodic.ts'

/** What comes back by itself is one process's. */
export const owners: Migration = {
  name: '0008-owners',
  async up(db, engine) {
    for (const each of [leaseTables, periodicTables]) await each(db, engine)
  },
}
