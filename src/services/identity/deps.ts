import type { Database } from '../../platform/db/database.ts'
import type { Logger } from '../../platform/log/log.ts'
import type { IdentityConfig } from './config.ts'
import type { DomainDefaults } from './domain-defaults.ts'
import type { Directories } from './directories/directories.ts'
import type { Residents } from './directories/residents.ts'
import type { Catalog } from './operations/catalog.ts'
import type { IdentitySchema } from './store/tables.ts'
import type { TrustedProxies } from './auth/proxies.ts'
import type { Receipts } from './auth/receipts.ts'
import type { CredentialVault } from './credentials/vault.ts'
import type { TokenProvider } from './tokens/provider.ts'

/** What identity's operations may use. */
export interface IdentityDeps {
  readonly database: Database<IdentitySchema>
  readonly config: IdentityConfig
  readonly tokens: TokenProvider
  readonly catalog: Catalog
  readonly receipts: Receipts
  readonly vault: CredentialVault
  readonly proxies: TrustedProxies
  /** Which domains have a directory, and their users and groups. */
  readonly directories: Directories
  readonly residents: Residents
  readonly log: Logger
  readonly baseUrl: string
  readonly domainDefaults: DomainDefaults
  /** Says that something that tokens depend on has changed: what was validated before is looked at anew. */
  changed(): void
}
