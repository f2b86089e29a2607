import { runStatements, type Migration } from '../../../../platform/db/migrate.ts'
import { timelineByTime } from '../../../../platform/saga/timeline.ts'

/** What remains of servers whose rows are purged, and the way to old lines of the timeline. */
export const purging: Migration = {
  name: '0009-purge',
  up: (db, engine) =>
    runStatements(
      db,
      engine,
      `create table if not exists deleted_servers (id varchar(36) primary key, deleted_at bigint not null);
${timelineByTime}`,
    ),
}
