import { addColumn, type Migration } from '../../../../platform/db/migrate.ts'

/** Where an administrator put a router, which has no port yet to tell. */
export const routerHosts: Migration = {
  name: '0004-router-hosts',
  up: (db, engine) => addColumn(db, engine, 'routers', 'host_id varchar(255)'),
}
