import type { Migration } from '../../../platform/db/migrate.ts'
import { initial } from './migrations/0001-initial.ts'
import { changesLog } from './migrations/0002-changes.ts'
import { allocationOrder } from './migrations/0003-allocation-order.ts'

/** Every step of the schema, oldest first. */
export const migrations: readonly Migration[] = [initial, changesLog, allocationOrder]
