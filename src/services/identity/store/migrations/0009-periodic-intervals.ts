import type { Migration } from '../../../../platform/db/migrate.ts'
import { periodicIntervals } from '../../../../platform/periodic/periodic.ts'

/** When what comes back by itself is late. */
export const intervals: Migration = { name: '0009-periodic-intervals', up: periodicIntervals }
