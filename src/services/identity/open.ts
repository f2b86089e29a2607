/** Opens what identity stands on: configuration, database, keys. For the API and for keystone-manage. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { loadConfig } from '../../platform/config/config.ts'
import { openDatabase } from '../../platform/db/database.ts'
import { migrate, type Migration } from '../../platform/db/migrate.ts'
import type { ServiceEnv } from '../../platform/service.ts'
import { TrustedProxies } from './auth/proxies.ts'
import { Receipts } from './auth/receipts.ts'
import { fileOptions, type IdentityConfig } from './config.ts'
import { CredentialVault } from './credentials/vault.ts'
import type { IdentityDeps } from './deps.ts'
import { readDomainDefaults } from './domain-defaults.ts'
import { Directories } from './directories/directories.ts'
import { Residents } from './directories/residents.ts'
import { Catalog } from './operations/catalog.ts'
import { ChangeFeed } from './store/change-feed.ts'
import { initial } from './store/migrations/0001-initial.ts'
import { firstRelease } from './store/migrations/0001a-first-release.ts'
import { catalog as catalogMigration } from './store/migrations/0002-catalog.ts'
import { federation } from './store/migrations/0003-federation.ts'
import { exactTimes } from './store/migrations/0004-exact-times.ts'
import { quotaLocks } from './store/migrations/0005-quota-locks.ts'
import { madeBy } from './store/migrations/0006-made-by.ts'
import { nameKeys } from './store/migrations/0007-name-keys.ts'
import { owners } from './store/migrations/0008-owners.ts'
import { intervals } from './store/migrations/0009-periodic-intervals.ts'
import { describeKept, keptNames } from './store/names.ts'
import type { IdentitySchema } from './store/tables.ts'
import { fernetFormat, jwsFormat, type TokenFormat } from './tokens/format.ts'
import { setUpKeyPair, setUpKeys } from './tokens/key-repository.ts'
import { TokenProvider } from './tokens/provider.ts'

export type OpenEnv = Pick<ServiceEnv, 'stateDir' | 'configFiles' | 'databaseUrl' | 'log' | 'baseUrl'>

export const migrations: readonly Migration[] = [
  initial,
  firstRelease,
  catalogMigration,
  federation,
  exactTimes,
  quotaLocks,
  madeBy,
  nameKeys,
  owners,
  intervals,
]

/** Where keys are: configured, or in the state directory, where they are made at first use. */
export const keyFolders = (config: IdentityConfig, stateDir: string) => ({
  fernet: config.keyRepository || join(stateDir, 'fernet-keys'),
  receipts: config.receiptKeyRepository || join(stateDir, 'fernet-receipt-keys'),
  credentials: config.credentialKeyRepository || join(stateDir, 'credential-keys'),
  jwsPrivate: config.jwsPrivateKeys || join(stateDir, 'jws-keys', 'private'),
  jwsPublic: config.jwsPublicKeys || join(stateDir, 'jws-keys', 'public'),
})

/** Reads the configuration. Throws ConfigError. */
export const readIdentityConfig = (env: Pick<OpenEnv, 'configFiles' | 'log'>): IdentityConfig =>
  loadConfig('keystone', fileOptions, env.configFiles, (text) => env.log.warn({}, text))

export const openIdentityDatabase = (env: Pick<OpenEnv, 'databaseUrl' | 'stateDir'>, config: IdentityConfig) => {
  mkdirSync(env.stateDir, { recursive: true, mode: 0o700 })
  return openDatabase<IdentitySchema>(config.connection || env.databaseUrl, { isDurable: config.sqliteSynchronous })
}

/** Opens everything and brings the schema up to date. Throws KeyRepositoryError when keys cannot be read. */
export async function openIdentity(env: OpenEnv): Promise<Opened> {
  const config = readIdentityConfig(env)
  const database = openIdentityDatabase(env, config)
  try {
    const ran = await migrate(database, migrations)
    if (ran.includes(nameKeys.name))
      for (const kept of await keptNames(database.db)) env.log.warn({}, describeKept(kept))
    makeOwnKeys(config, env.stateDir)
    return openOn(database, config, env)
  } catch (error) {
    await database.close()
    throw error
  }
}

interface Opened {
  deps: IdentityDeps
  feed: ChangeFeed
  reload(): void
}

function openOn(database: IdentityDeps['database'], config: IdentityConfig, env: OpenEnv): Opened {
  const folders = keyFolders(config, env.stateDir)
  const directories = new Directories(database, config, env.configFiles, env.log)
  const residents: Residents = new Residents({
    database,
    directories,
    keepMs: config.identityCaching ? config.identityCacheTime * 1000 : 0,
    changed: () => feed.changed(),
  })
  const tokens = new TokenProvider(database, formatOf(config, folders), (userId) => residents.whenFresh(userId))
  const catalog = new Catalog(database, config)
  const receipts = new Receipts(folders.receipts, config.authMethods)
  const vault = new CredentialVault(folders.credentials)
  const feed: ChangeFeed = new ChangeFeed(database, () => {
    tokens.changed()
    catalog.changed()
    directories.changed()
  })
  const deps: IdentityDeps = {
    database,
    config,
    tokens,
    catalog,
    receipts,
    vault,
    proxies: new TrustedProxies(config),
    directories,
    residents,
    log: env.log,
    baseUrl: env.baseUrl,
    domainDefaults: readDomainDefaults(env.configFiles),
    changed: () => feed.changed(),
  }
  const reload = () => {
    tokens.reloadKeys()
    receipts.reload()
    vault.reload()
  }
  return { deps, feed, reload }
}

/** Keys that nobody has configured a place for are identity's own to make. */
function makeOwnKeys(config: IdentityConfig, stateDir: string): void {
  const folders = keyFolders(config, stateDir)
  if (config.provider === 'fernet' && config.keyRepository === '') setUpKeys(folders.fernet)
  if (config.receiptKeyRepository === '') setUpKeys(folders.receipts)
  if (config.credentialKeyRepository === '') setUpKeys(folders.credentials)
  if (config.provider === 'jws' && config.jwsPrivateKeys === '' && config.jwsPublicKeys === '')
    setUpKeyPair(folders.jwsPrivate, folders.jwsPublic)
}

function formatOf(config: IdentityConfig, folders: ReturnType<typeof keyFolders>): TokenFormat {
  return config.provider === 'fernet'
    ? fernetFormat(folders.fernet, config.authMethods, config.maxTokenSize)
    : jwsFormat(folders.jwsPrivate, folders.jwsPublic)
}
