/** What a service is to the deployment: a value that says what it needs and what it runs, and loads nothing before it is asked. */
import type { Secret } from './auth/secret.ts'
import type { Program } from './config/upstream.ts'
import type { Migration } from './db/migrate.ts'
import type { App } from './http/app.ts'
import type { Transport } from './http/client.ts'
import type { Authenticator } from './http/service.ts'
import type { Logger } from './log/log.ts'
import type { CommandTable } from './manage/command.ts'
import type { Bus } from './rpc/contract.ts'

/** Where something listens. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** A TCP port of a service. */
export interface PortDefinition {
  /** OpenStack's own number. */
  readonly standard: number
  /** Its place behind the first port of a cloud that has ports of its own. Never given to another one. */
  readonly offset: number
  /** For other parts of the cloud only, never for users. */
  readonly isInternal?: boolean
}

/** What an OpenStack daemon is: the smallest thing that runs in a process of its own. */
export interface RoleDefinition {
  /** Control roles have no privileges and may run anywhere; agents belong to the host that they run on. */
  readonly kind: 'control' | 'agent'
  /** The port that it listens on, by the name in `ports`. */
  readonly port?: string
  /** True where what it answers there is the service's API. */
  readonly isApi?: boolean
  /** Names of the secrets that it may read besides the password of its service's user. */
  readonly secrets?: readonly SecretName[]
}

/** `metadata` is shared by nova-metadata and its agents; `accounts` are the passwords of everybody, which keystone keeps. */
export type SecretName = 'metadata' | 'accounts'

/** A user who is there from the first moment of a cloud. */
export interface Account {
  name: string
  password: string
  project: string
  roles: readonly string[]
  systemAdmin?: boolean
  /** Roles for the whole system. */
  systemRoles?: readonly string[]
  /** Whether a user who is there gets this password and is enabled again; else he keeps the one that he has. */
  reset: boolean
}

/** What keystone has from the first moment of a cloud. */
export interface Foundation {
  projects: readonly string[]
  users: readonly Account[]
  region: string
  services: readonly { type: string; name: string; urls: Readonly<Record<'public' | 'internal' | 'admin', string>> }[]
}

/** An administrative program that belongs to a service, such as keystone-manage. */
export interface ManageProgram {
  load(): Promise<CommandTable>
  /** Of programs that do one thing: the command that is always meant. */
  readonly only?: string
}

/** A service as a value. Everything heavy is behind a function. */
export interface ServiceDefinition {
  /** Type in the catalog. */
  readonly type: string
  /** Upstream's name, which its folder of configuration has. */
  readonly codeName: Program
  /** Its user in project `service`; null for keystone, which asks nobody. */
  readonly user: string | null
  /** Path of its endpoint behind host and port. */
  readonly endpointPath: string
  readonly ports: Readonly<Record<string, PortDefinition>>
  /** Configuration files below its folder: those that are read, and those of upstream's other programs, which are told. */
  readonly files: { readonly own: readonly string[]; readonly others: readonly string[] }
  /** Names of options, in whatever section, that tell of folders where it writes. */
  readonly folderOptions?: readonly string[]
  readonly roles: Readonly<Record<string, RoleDefinition>>
  readonly programs?: Readonly<Record<string, ManageProgram>>
  /** Reads the files. Throws ConfigError with everything that is wrong in them. */
  checkConfig(files: readonly string[]): Promise<void>
  migrations(): Promise<readonly Migration[]>
  /** Opens what its control roles share in a process. Throws ConfigError. */
  open(env: ServiceEnv): Promise<RunningService>
  /** Why no agent of the cloud may work with this state directory. */
  obstacleOf?(stateDir: string): Promise<string | undefined>
  /** Starts its agents on this host, of which `env` names those that are wanted. */
  startAgents?(env: AgentEnv): Promise<RunningAgents>
  /** Starts what stands for its agents on a host without a data plane. */
  startFakeAgents?(env: FakeAgentEnv): Promise<RunningAgents>
  /** Removes everything that its agents have made on this host, guests too. */
  clearHost?(env: { stateDir: string; log: Logger }): Promise<void>
}

/** A host that only pretends. */
export interface FakeAgentEnv {
  /** Names of the roles that are wanted. */
  readonly roles: readonly string[]
  readonly host: string
  readonly bus: Bus
  /** Of this host. */
  readonly stateDir: string
  readonly log: Logger
  /** What an operator should know; null for nothing. */
  onNotice(notice: string | null): void
}

/** What the deployment hands to the agents of a service on a host. */
export interface AgentEnv {
  /** Names of the roles that are wanted. */
  readonly roles: readonly string[]
  /** Name of this host. */
  readonly host: string
  /** Of the whole cloud on this host; each service has its own folders in it. */
  readonly stateDir: string
  /** For the names of devices. */
  readonly cloudName: string
  readonly bus: Bus & { onConnect(listener: () => void): void }
  logOf(name: string): Logger
  /** The user that guests run as, where there is one. */
  readonly guestUser?: { readonly uid: number; readonly gid: number }
  /** The user of the control plane on this machine, where that is another one than of the agents. */
  readonly controlUser?: { readonly uid: number; readonly gid: number }
  /** The bridges of the physical networks, and how those that are the cloud's own are made. */
  readonly bridges: {
    readonly mappings: ReadonlyMap<string, string>
    readonly own: ReadonlyMap<string, () => Promise<void>>
  }
  connect(serviceType: string): Transport
  serviceToken(): Promise<string>
  urlOf(port: string): string
  secretOf(name: 'metadata'): Secret
  /** How a role is: down with a reason, or up, with what an operator should know. */
  report(role: string, state: 'up' | 'down', text: string | null): void
  /** For the operator, once. */
  remark(text: string): void
  /** Resolves when this host may be changed: nova knows that it is the one that it takes itself for, or runs elsewhere. */
  readonly admitted: Promise<void>
  admit(): void
  readonly stopping: AbortSignal
}

export interface RunningAgents {
  stop(): Promise<void>
}

/** Gives a definition its type. */
export const defineService = <const Definition extends ServiceDefinition>(definition: Definition): Definition =>
  definition

/** What the deployment hands to a service: its place in this cloud. There is no global configuration. */
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
  /** Another log of the service, for a role that has one. */
  logOf(name: string): Logger
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
  /** Where a port of this service is listened on. */
  addressOf(port: string): Address
  /** `http://address:port` under which others reach a port of this service. */
  urlOf(port: string): string
  /** A secret that roles of this process may read. Throws for another one. */
  secretOf(name: 'metadata'): Secret
  /** For the role that may read `accounts`: what it makes at its start where it is missing. */
  foundation?(): Foundation
  /** What an operator should know of a role that runs; null for nothing. */
  report(role: string, notice: string | null): void
}

/** The roles of a service in this process. */
export interface RunningService {
  /** By service type. */
  readonly apps: Readonly<Record<string, App>>
  /** Of keystone: validates tokens inside this process. */
  readonly authenticator?: Authenticator
  /** Starts a role, or without a name all of them. May be tried again when it rejects. */
  start(role?: string): Promise<void>
  /** Ends what was started, the last first, and closes what the roles share. */
  stop(): Promise<void>
}

type Stop = () => void | Promise<void>

/** Each role by how it is started, which gives how it is ended. */
export type RoleStarts = Readonly<Record<string, () => Promise<Stop>>>

/** A service from its roles and from what they share. */
export function runningService(
  apps: RunningService['apps'],
  roles: RoleStarts,
  close: () => Promise<void>,
): RunningService {
  const running = new Map<string, Stop>()
  const start = async (role: string) => {
    const begin = roles[role]
    if (!begin) throw new Error(`there is no role '${role}': there are ${Object.keys(roles).join(', ')}`)
    if (!running.has(role)) running.set(role, await begin())
  }
  return {
    apps,
    async start(role) {
      for (const name of role === undefined ? Object.keys(roles) : [role]) await start(name)
    },
    async stop() {
      for (const stop of [...running.values()].reverse()) await stop()
      running.clear()
      await close()
    },
  }
}
