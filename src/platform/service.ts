import type { Secret } from './auth/secret.ts'
import type { Authenticator } from './http/service.ts'
import type { App } from './http/app.ts'
import type { Transport } from './http/client.ts'
import type { Logger } from './log/log.ts'
import type { Bus } from './rpc/contract.ts'

/** What `cmd` hands to every service: its place in this cloud. There is no global configuration. */
export interface ServiceEnv {
  /** Folder of this service's own files (0700). */
  readonly stateDir: string
  /** Its INI files, later ones win; files that do not exist are skipped. */
  readonly configFiles: readonly string[]
  /** The SQLAlchemy URL of the database where the configuration names none. */
  readonly databaseUrl: string
  /** The rules of the operator's policy files. */
  readonly policyOverrides: Readonly<Record<string, string>>
  readonly log: Logger
  readonly bus: Bus
  /** Name of this host, as agents and services report it. */
  readonly host: string
  readonly region: string
  /** What its durable work is held under (nameProcess); one for each service where it is absent. */
  readonly processName?: string
  readonly authenticator: Authenticator
  /** The way to another service, by service type: `image`, `placement`, `network`, `compute`, `identity`. */
  connect(serviceType: string): Transport
  /**
   * A token of this service's own user, renewed before it expires: for project `service` (roles admin and service), or for
   * the system (role reader), where keystone tells only that what is asked, as the limits of other projects.
   */
  serviceToken(scope?: 'project' | 'system'): Promise<string>
  /** `http://address:port` of this service's endpoint. */
  readonly baseUrl: string
  /** Keystone's public URL, for `WWW-Authenticate`. */
  readonly authUrl: string
  /** Shared between nova-metadata and the metadata agent. */
  readonly metadataSecret: Secret
  /** Further endpoints that answers mention, e.g. `novncproxy` -> `http://127.0.0.1:6080`. */
  readonly urls: Readonly<Record<string, string>>
}

/** A service that runs: its app answers, `start` sets its workers going. */
export interface RunningService {
  /** Empty for roles without an API of their own. */
  readonly apps: Readonly<Record<string, App>>
  /** Resumes sagas, starts periodics and RPC servers. */
  start(): Promise<void>
  stop(): Promise<void>
}
