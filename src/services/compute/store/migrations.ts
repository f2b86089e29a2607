import type { Migration } from '../../../platform/db/migrate.ts'
import { initial } from './migrations/0001-initial.ts'
import { triedHosts } from './migrations/0002-tried-hosts.ts'
import { usageIndex } from './migrations/0003-usage-index.ts'
import { quotaLocks } from './migrations/0004-quota-locks.ts'
import { owners } from './migrations/0005-owners.ts'
import { hostIdentities } from './migrations/0005-host-identities.ts'
import { guestData } from './migrations/0006-guest-data.ts'
import { serverDetails } from './migrations/0007-server-details.ts'
import { purging } from './migrations/0009-purge.ts'
import { intervals } from './migrations/0010-periodic-intervals.ts'

/** Every step of the schema, oldest first. */
export const migrations: readonly Migration[] = [
  initial,
  triedHosts,
  usageIndex,
  quotaLocks,
  owners,
  guestData,
  serverDetails,
  purging,
  hostIdentities,
  intervals,
]
