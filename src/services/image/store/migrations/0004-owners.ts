import { leaseTables } from '../../../../platform/db/lease.ts'
import { periodicTables } from '../../../../platform/periodic/periodic.ts'
import { addColumn, type Migration } from '../../../../platform/db/migrate.ts'
import { sagaOwners } from '../../../../platform/saga/records.ts'

/** Every piece of durable work has an owner. */
export const owners: Migration = {
  name: '0004-owners',
  async up(db, engine) {
    for (const each of [leaseTables, periodicTables, sagaOwners]) await each(db, engine)
    await addColumn(db, engine, 'images', 'worker varchar(64)')
  },
}
