import { addColumn, runStatements, type Migration } from '../../../../platform/db/migrate.ts'

/**
 * A place that is decided but not taken yet counts for server groups; what the user said of the disk and of files is kept;
 * passwords have no largest length.
 */
export const serverDetails: Migration = {
  name: '0007-server-details',
  async up(db, engine) {
    await addColumn(db, engine, 'servers', 'scheduled_host varchar(255)')
    await addColumn(db, engine, 'servers', 'auto_disk_config integer not null default 1')
    await addColumn(db, engine, 'servers', 'injected_files_json text')
    // SQLite does not hold texts to the lengths of their columns.
    if (engine !== 'sqlite') await runStatements(db, engine, 'alter table servers modify admin_pass text')
  },
}
