import { runStatements, type Migration } from '../../../../platform/db/migrate.ts'
import { timelineByTime } from '../../../../platform/saga/timeline.ts'

/** The way to old lines of the timeline. */
export const purging: Migration = {
  name: '0008-purge',
  up: (db, engine) => runStatements(db, engine, timelineByTime),
}
