import type { DigestPool } from '../../base/digests/digest-pool.ts'
import type { Database } from '../../platform/db/database.ts'
import type { Logger } from '../../platform/log/log.ts'
import type { SagaRunner } from '../../platform/saga/saga.ts'
import type { ImageCache } from './cache/cache.ts'
import type { CacheWorker } from './cache/worker.ts'
import type { ImageConfig } from './config.ts'
import type { ImageConverter } from './drivers/converter.ts'
import type { PropertyRules } from './operations/property-rules.ts'
import type { ReadLimits } from './operations/quota.ts'
import type { RemoteGlances } from './operations/remote-glance.ts'
import type { FetchCertificate } from './operations/signature.ts'
import type { Transfers } from './operations/transfers.ts'
import type { ImageSchema } from './store/tables.ts'
import type { FileStore } from './stores/file.ts'
import type { Stores } from './stores/stores.ts'

/** What glance's operations may use. */
export interface ImageDeps {
  readonly database: Database<ImageSchema>
  readonly config: ImageConfig
  readonly stores: Stores
  /** Where imports find what was staged. */
  readonly staging: FileStore
  readonly cache: ImageCache
  readonly cacheWorker: CacheWorker
  readonly digests: DigestPool
  readonly converter: ImageConverter
  readonly sagas: SagaRunner<ImageDeps>
  readonly transfers: Transfers
  readonly limits: ReadLimits
  readonly fetchCertificate: FetchCertificate
  readonly remotes: RemoteGlances
  readonly propertyRules: PropertyRules
  readonly log: Logger
}
