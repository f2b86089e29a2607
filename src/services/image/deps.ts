import type { DigestPool } from '../../base/digests/digest-pool.ts'
import type { Database } from '../../platform/db/database.ts'
import type { Leases } from '../../platform/db/lease.ts'
import type { Logger } from '../../platform/log/log.ts'
import type { SagaRunner } from '../../platform/saga/saga.ts'
import type { ImageCache } from './cache/cache.ts'
import type { ImageConfig } from './config.ts'
import type { ImageConverter } from './drivers/converter.ts'
import type { PropertyRules } from './operations/property-rules.ts'
import type { RemoteGlances } from './operations/remote-glance.ts'
import type { Transfers } from './operations/transfers.ts'
import type { ImageSchema } from './store/tables.ts'
import type { Usage } from './store/usage.ts'
import type { FileStore } from './stores/file.ts'
import type { Stores } from './stores/stores.ts'

/**
 * Limits of a project, in MiB and counts; null where glance does not obey unified limits. What is not registered is 0, as
 * in oslo.limit.
 */
export type ReadLimits = (projectId: string) => Promise<Readonly<Record<keyof Usage, number>> | null>

/** Fetches a certificate (PEM or DER) from the key manager as the caller; rejects when it cannot be had. */
export type FetchCertificate = (id: string, token: string) => Promise<string>

/** Works through a queue when it is woken. */
export interface QueueWorker {
  start(): void
  wake(): void
  stop(): Promise<void>
}

/** What glance's operations may use. */
export interface ImageDeps {
  readonly database: Database<ImageSchema>
  readonly config: ImageConfig
  readonly stores: Stores
  /** Where imports find what was staged. */
  readonly staging: FileStore
  readonly cache: ImageCache
  readonly cacheWorker: QueueWorker
  readonly digests: DigestPool
  readonly converter: ImageConverter
  readonly leases: Leases
  readonly sagas: SagaRunner<ImageDeps, ImageSchema>
  readonly transfers: Transfers
  readonly limits: ReadLimits
  readonly fetchCertificate: FetchCertificate
  readonly remotes: RemoteGlances
  readonly propertyRules: PropertyRules
  readonly log: Logger
}
