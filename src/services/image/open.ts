/** Opens what glance stands on: configuration, database, stores. For the API and for glance's commands. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DigestPool } from '../../base/digests/digest-pool.ts'
import { ConfigError } from '../../platform/config/config.ts'
import { openDatabase, type Database } from '../../platform/db/database.ts'
import { leasesOf } from '../../platform/db/lease.ts'
import { migrateOpened, type Migration } from '../../platform/db/migrate.ts'
import { ServiceClient } from '../../platform/http/client.ts'
import { SagaRunner } from '../../platform/saga/saga.ts'
import type { ServiceEnv } from '../../platform/service.ts'
import { ImageCache } from './cache/cache.ts'
import { CacheWorker } from './cache/worker.ts'
import { readImageConfig, type ImageConfig } from './config.ts'
import type { ImageDeps } from './deps.ts'
import { qemuImgConverter } from './drivers/converter.ts'
import { fenceOf } from './operations/import-fetch.ts'
import { checkPlugins } from './operations/import-plugins.ts'
import { keystoneLimits, noLimits } from './operations/limits.ts'
import { defaultDefinitions } from './operations/load-definitions.ts'
import { openProperties, readPropertyRules } from './operations/property-rules.ts'
import { RemoteGlances } from './operations/remote-glance.ts'
import { barbicanCertificates } from './operations/signature.ts'
import { Transfers } from './operations/transfers.ts'
import { policies } from './policies.ts'
import { importImage } from './sagas/import-image.ts'
import { importLocation } from './sagas/import-location.ts'
import { initial } from './store/migrations/0001-initial.ts'
import { wholeGlance } from './store/migrations/0002-whole-glance.ts'
import { owners } from './store/migrations/0004-owners.ts'
import { intervals } from './store/migrations/0006-periodic-intervals.ts'
import { purging } from './store/migrations/0005-purge.ts'
import type { ImageSchema } from './store/tables.ts'
import { FileStore } from './stores/file.ts'
import { openStores } from './stores/open-stores.ts'

export const migrations: readonly Migration[] = [initial, wholeGlance, defaultDefinitions, owners, purging, intervals]

export type OpenEnv = Pick<
  ServiceEnv,
  | 'stateDir'
  | 'configFiles'
  | 'databaseUrl'
  | 'policyOverrides'
  | 'log'
  | 'region'
  | 'connect'
  | 'serviceToken'
  | 'processName'
>

export function openImageDatabase(
  env: Pick<OpenEnv, 'databaseUrl' | 'stateDir'>,
  config: ImageConfig,
): Database<ImageSchema> {
  mkdirSync(env.stateDir, { recursive: true, mode: 0o700 })
  return openDatabase<ImageSchema>(config.connection || env.databaseUrl, { isDurable: config.sqliteSynchronous })
}

function stagingFolder(config: ImageConfig, stateDir: string): string {
  if (config.stagingDir !== '') return config.stagingDir
  if (config.nodeStagingUri === '') return join(stateDir, 'staging')
  if (!config.nodeStagingUri.startsWith('file:///'))
    throw new ConfigError(`[DEFAULT] node_staging_uri = ${config.nodeStagingUri}: must be file:///path`)
  return fileURLToPath(config.nodeStagingUri)
}

export const openCache = (
  env: Pick<OpenEnv, 'stateDir' | 'log'>,
  config: ImageConfig,
  database: Database<ImageSchema>,
): ImageCache =>
  new ImageCache({
    database,
    folder: config.imageCacheDir || join(env.stateDir, 'cache'),
    maxSize: config.imageCacheMaxSize,
    stallSeconds: config.imageCacheStallTime,
    log: env.log,
  })

/** Opens everything and brings the schema up to date. Throws ConfigError and PropertyRulesError. */
export async function openImage(env: OpenEnv): Promise<ImageDeps> {
  const config = readImageConfig(env.configFiles, (text) => env.log.warn({}, text))
  checkPlugins(config)
  const propertyRules =
    config.propertyProtectionFile === ''
      ? openProperties
      : readPropertyRules(
          config.propertyProtectionFile,
          config.propertyProtectionFormat,
          new Set([...policies.map((each) => each.name), ...Object.keys(env.policyOverrides)]),
        )
  const stores = openStores(config, env.stateDir, fenceOf(config))
  const staging = new FileStore({ id: 'os_glance_staging_store', folder: stagingFolder(config, env.stateDir) })
  const database = openImageDatabase(env, config)
  await migrateOpened(database, migrations)
  const identity = new ServiceClient('keystone', env.connect('identity'), env.serviceToken)
  // Keystone tells the limits of all projects to the system's readers only.
  const reader = new ServiceClient('keystone', env.connect('identity'), () => env.serviceToken('system'))
  const cache = openCache(env, config, database)
  const digests = new DigestPool()
  const transfers = new Transfers()
  const leases = leasesOf(database, { log: env.log, owner: env.processName })
  leases.onLost(() => void transfers.cancelAll())
  return {
    database,
    config,
    stores,
    staging,
    cache,
    cacheWorker: new CacheWorker({ cache, database, stores, digests, log: env.log }),
    digests,
    converter: qemuImgConverter,
    leases,
    sagas: new SagaRunner<ImageDeps, ImageSchema>({ database, leases, log: env.log }, [importImage, importLocation]),
    transfers,
    limits: config.useKeystoneLimits ? keystoneLimits(reader, env.region) : noLimits,
    fetchCertificate: barbicanCertificates(env.connect('key-manager')),
    remotes: new RemoteGlances(identity, config.downloadTimeout * 1000),
    propertyRules,
    log: env.log,
  }
}
