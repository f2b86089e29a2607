import type { Database } from '../../platform/db/database.ts'
import type { Logger } from '../../platform/log/log.ts'
import type { ProviderCache } from './store/provider-cache.ts'
import type { PlacementSchema } from './store/tables.ts'

/** What placement's operations may use. */
export interface PlacementDeps {
  readonly database: Database<PlacementSchema>
  /** All providers in memory, as fresh as the database. */
  readonly cache: ProviderCache
  readonly log: Logger
  readonly settings: PlacementSettings
}

/** What the configuration decides for requests. */
export interface PlacementSettings {
  readonly isRandom: boolean
  readonly isBreadthFirst: boolean
  readonly maxCandidates: number | undefined
  /** Who consumes where a client before 1.8 does not tell. */
  readonly incompleteProject: string
  readonly incompleteUser: string
  readonly enforceScope: boolean
}
