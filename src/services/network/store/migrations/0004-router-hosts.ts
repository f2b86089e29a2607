import type { Migration } from '../../../../platform/db/migrate.ts'
import { addColumn } from './add-column.ts'

/** Where an administrator put a router, which has no port yet to tell. */
export const routerHosts: Migration = {
  name: '0004-router-hosts',
  up: (db) => addColumn(db, 'routers', 'host_id varchar(255)'),
}
