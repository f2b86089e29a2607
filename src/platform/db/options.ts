import { option } from '../config/options.ts'

const synchronous = (section: string) =>
  option.boolean(
    section,
    'sqlite_synchronous',
    true,
    'Whether a change is on the disk before it is acknowledged. Without, a power cut loses the last ones; the embedded database only.',
  )

/** What becomes of rows that nobody looks at any more. Upstream leaves that to cron jobs; here a service does it. */
const purgeDeletedDays = option.integer(
  'database',
  'purge_deleted_days',
  90,
  'Days that what is left of deleted or ended resources is kept; 0 for ever.',
  { min: 0 },
)

/** Every service's. */
export const databaseOptions = { sqliteSynchronous: synchronous('database'), purgeDeletedDays }

/** Of services that tell what they did for a resource. */
export const timelineOptions = {
  purgeTimelineDays: option.integer(
    'database',
    'purge_timeline_days',
    30,
    'Days that `nephos explain` looks back; 0 for ever.',
    { min: 0 },
  ),
}

export const placementDatabaseOptions = { sqliteSynchronous: synchronous('placement_database') }
