import type { Database } from '../../platform/db/database.ts'
import type { Logger } from '../../platform/log/log.ts'
import type { PlacementSchema } from './store/tables.ts'

/** What placement's operations may use. */
export interface PlacementDeps {
  readonly database: Database<PlacementSchema>
  readonly log: Logger
}
