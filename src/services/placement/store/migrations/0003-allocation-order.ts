import { addColumn, type Migration } from '../../../../platform/db/migrate.ts'

/** Allocations are shown in the order in which they were asked for. */
export const allocationOrder: Migration = {
  name: '0003-allocation-order',
  up: (db, engine) => addColumn(db, engine, 'allocations', 'position bigint not null default 0'),
}
