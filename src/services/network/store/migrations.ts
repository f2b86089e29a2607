import type { Migration } from '../../../platform/db/migrate.ts'
import { initial } from './migrations/0001-initial.ts'
import { poolsAndTags } from './migrations/0002-pools-and-tags.ts'
import { addressGroupsAndBindings } from './migrations/0003-address-groups-and-bindings.ts'
import { routerHosts } from './migrations/0004-router-hosts.ts'
import { quotaLocks } from './migrations/0005-quota-locks.ts'
import { epochs } from './migrations/0006-epochs.ts'
import { indexes } from './migrations/0007-indexes.ts'
import { purging } from './migrations/0008-purge.ts'
import { owners } from './migrations/0009-owners.ts'
import { hostRevisions } from './migrations/0010-host-revisions.ts'
import { intervals } from './migrations/0011-periodic-intervals.ts'

/** Every step of the schema, oldest first. */
export const migrations: readonly Migration[] = [
  initial,
  poolsAndTags,
  addressGroupsAndBindings,
  routerHosts,
  quotaLocks,
  indexes,
  purging,
  epochs,
  owners,
  hostRevisions,
  intervals,
]
