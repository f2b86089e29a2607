/** Which domains have a directory: by the files or the rows of their configuration. */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Database } from '../../../platform/db/database.ts'
import { Unavailable } from '../../../platform/errors.ts'
import type { Logger } from '../../../platform/log/log.ts'
import type { IdentityConfig } from '../config.ts'
import { LdapDirectory } from '../drivers/ldap/driver.ts'
import type { LdapSettings } from '../drivers/ldap/settings.ts'
import { publicId } from '../model/public-id.ts'
import { domainsNamed } from '../store/domains.ts'
import { listRows } from '../store/rows.ts'
import type { IdentitySchema } from '../store/tables.ts'
import { DomainDirectory } from './domain-directory.ts'
import { settingsInFiles, settingsInRows, type DomainSettings } from './settings.ts'

type Config = IdentityConfig
type Entry = DomainDirectory | { problem: string; fingerprint: string }

/** `keystone.NAME.conf`; a name may have dots. */
const fileForm = /^keystone\.(.+)\.conf$/

export class Directories {
  readonly #database: Database<IdentitySchema>
  readonly #config: Config
  readonly #log: Logger
  /** [ldap] of keystone.conf, with `[identity] driver = ldap`. */
  readonly #ofDefaultDomain: DomainSettings
  /** By the name of their domain. */
  readonly #files: ReadonlyMap<string, LdapSettings>
  #entries = new Map<string, Entry>()
  readonly #warned = new Set<string>()
  #reading: Promise<void> | undefined

  /** Throws ConfigError on files that cannot be used. */
  constructor(database: Database<IdentitySchema>, config: Config, configFiles: readonly string[], log: Logger) {
    this.#database = database
    this.#config = config
    this.#log = log
    this.#ofDefaultDomain = config.identityDriver === 'ldap' ? settingsInFiles(configFiles) : undefined
    this.#files =
      config.domainDrivers && !config.domainsFromDatabase ? readFolder(config.domainConfigDir, log) : new Map()
  }

  /** False where every user lives in the database: nothing needs to be asked then. */
  get isInUse(): boolean {
    return this.#ofDefaultDomain !== undefined || this.#files.size > 0 || this.fromDatabase
  }

  get fromDatabase(): boolean {
    return this.#config.domainDrivers && this.#config.domainsFromDatabase
  }

  /** Something was changed that configurations may be part of: a domain's name, its options. */
  changed(): void {
    this.#reading = undefined
  }

  /** The directory of a domain; undefined for the database. Throws Unavailable on an unusable configuration. */
  async of(domainId: string): Promise<DomainDirectory | undefined> {
    if (!this.isInUse) return undefined
    const reading = (this.#reading ??= this.#read())
    await reading.catch((error: unknown) => {
      // Asked again the next time.
      if (this.#reading === reading) this.#reading = undefined
      throw error
    })
    const entry = this.#entries.get(domainId)
    if (entry === undefined || entry instanceof DomainDirectory) return entry
    throw new Unavailable(`The configuration of domain ${domainId} cannot be used.`, {
      cause: new Error(entry.problem),
    })
  }

  async close(): Promise<void> {
    const entries = [...this.#entries.values()]
    this.#entries = new Map()
    await Promise.all(entries.map((entry) => (entry instanceof DomainDirectory ? entry.close() : undefined)))
  }

  /** Makes directories for what is configured now; those whose configuration is the same stay. */
  async #read(): Promise<void> {
    const settings = await this.#settings()
    const entries = new Map<string, Entry>()
    for (const [domainId, found] of settings) {
      const fingerprint = JSON.stringify(found)
      const before = this.#entries.get(domainId)
      entries.set(domainId, before?.fingerprint === fingerprint ? before : this.#make(domainId, found, fingerprint))
    }
    const gone = [...this.#entries.values()].filter((entry) => ![...entries.values()].includes(entry))
    this.#entries = entries
    for (const entry of gone) if (entry instanceof DomainDirectory) void entry.close()
  }

  async #settings(): Promise<Map<string, LdapSettings | Error>> {
    const { db } = this.#database
    const settings = new Map<string, LdapSettings | Error>()
    if (this.#ofDefaultDomain) settings.set(this.#config.defaultDomainId, this.#ofDefaultDomain)
    if (this.#files.size > 0) {
      const named = await domainsNamed(db, [...this.#files.keys()])
      for (const { id, name } of named) settings.set(id, this.#files.get(name)!)
      for (const name of this.#files.keys())
        if (!named.some((domain) => domain.name === name) && !this.#warned.has(name)) {
          this.#warned.add(name)
          this.#log.warn({ domain: name }, 'Invalid domain name found in config file name')
        }
    }
    if (this.fromDatabase) {
      const rows = await listRows(db, 'domain_options')
      for (const [domainId, own] of Map.groupBy(rows, (row) => row.domain_id)) {
        const found = attempt(() => settingsInRows(own))
        if (found) settings.set(domainId, found)
      }
    }
    return settings
  }

  #make(domainId: string, settings: LdapSettings | Error, fingerprint: string): Entry {
    const directory = settings instanceof Error ? settings : attempt(() => new LdapDirectory(settings))
    if (directory instanceof Error) {
      this.#log.error({ err: directory, domainId }, 'the configuration of a domain cannot be used')
      return { problem: directory.message, fingerprint }
    }
    const keepsIds = settings === this.#ofDefaultDomain && this.#config.backwardCompatibleIds
    return new DomainDirectory({
      domainId,
      directory,
      fingerprint,
      publicId: (kind, localId) => (keepsIds && localId.length <= 64 ? localId : publicId(domainId, kind, localId)),
      log: this.#log,
    })
  }
}

function readFolder(folder: string, log: Logger): Map<string, LdapSettings> {
  const found = new Map<string, LdapSettings>()
  if (!existsSync(folder)) {
    log.warn({ folder }, 'Unable to locate domain config directory')
    return found
  }
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const file = join(folder, name)
    const domain = fileForm.exec(name.split('/').at(-1)!)?.[1]
    if (domain === undefined || !statSync(file).isFile()) continue
    const settings = settingsInFiles([file])
    // The driver is made here once, so that a file which cannot be used stops the start.
    if (settings) void new LdapDirectory(settings).close()
    if (settings) found.set(domain, settings)
  }
  return found
}

function attempt<T>(work: () => T): T | Error {
  try {
    return work()
  } catch (error) {
    if (error instanceof Error) return error
    throw error
  }
}
