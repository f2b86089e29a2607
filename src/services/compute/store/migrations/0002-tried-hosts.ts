import type { Migration } from '../../../../platform/db/migrate.ts'
import { addColumn } from '../../../../platform/db/migrate.ts'

/** Builds that fail on a host go to another one. */
export const triedHosts: Migration = {
  name: '0002-tried-hosts',
  up: (db, engine) => addColumn(db, engine, 'servers', 'tried_hosts_json text'),
}
