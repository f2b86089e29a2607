/** Runs the agents of this host, in a process with privileges. They speak to the control plane over the bus. */
import type { RunAs } from '../host/command.ts'
import { findUser } from '../host/users.ts'
import { httpTransport } from '../platform/http/client.ts'
import { SocketBus } from '../platform/rpc/socket-bus.ts'
import type { AgentEnv, RunningAgents, ServiceDefinition } from '../platform/service.ts'
import { readAuthtoken } from './authtoken.ts'
import { controlUserOf } from './control-user.ts'
import { guestUser } from './guest-user.ts'
import { logOf } from './logs.ts'
import { ensureProviderBridge } from './provider-bridge.ts'
import type { RoleBoard } from './role-board.ts'
import { readSecret } from './secrets.ts'
import { ServiceAccount } from './service-account.ts'
import { roles, services } from './services.ts'
import { paths, providerBridge, urlOf, type Settings } from './settings.ts'

export interface AgentsOptions {
  stateDir: string
  settings: Settings
  hostName: string
  /** Names of agent roles. */
  roles: readonly string[]
  board: RoleBoard
  remark(text: string): void
  /** Called once, when every agent runs or says why it does not. */
  ready(): void
}

/** The role that knows whether this host is the one that it takes itself for. */
const gatekeeper = 'nova-compute'

/** Starts the agents as soon as the control plane is there; returns how to end them. Guests go on without. */
export async function startAgents(options: AgentsOptions): Promise<RunningAgents> {
  const { stateDir, hostName } = options
  // No other process has its first role.
  const [first = gatekeeper] = options.roles
  const log = logOf(stateDir, first, roles.get(first)!.service.type)
  const bus = new SocketBus({ path: paths(stateDir).bus, key: readSecret(stateDir, 'bus'), log }, hostName)
  const user = await findUser(guestUser)
  const host = new Host(options, bus)
  void host.start(user)
  return {
    async stop() {
      await host.stop()
      bus.close()
    },
  }
}

class Host {
  readonly #options: AgentsOptions
  readonly #bus: SocketBus
  readonly #stopping = new AbortController()
  readonly #running: Promise<RunningAgents | undefined>[] = []
  readonly #admission = Promise.withResolvers<void>()
  #isAdmitted = false
  /** Roles that have said how they are. */
  readonly #heard = new Set<string>()
  #isReady = false

  constructor(options: AgentsOptions, bus: SocketBus) {
    this.#options = options
    this.#bus = bus
    if (!options.roles.includes(gatekeeper)) this.#admit()
  }

  async start(user: RunAs | undefined): Promise<void> {
    await this.#bus.whenConnected()
    for (const service of services) {
      const roles = this.#options.roles.filter((role) => service.roles[role]?.kind === 'agent')
      if (roles.length === 0) continue
      const begun = service.startAgents!({ ...this.#envOf(service), roles, ...(user && { guestUser: user }) })
      this.#running.push(
        begun.catch((error: unknown) => {
          for (const role of roles) this.#report(role, 'down', error instanceof Error ? error.message : String(error))
          return undefined
        }),
      )
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    for (const agents of this.#running.reverse()) await (await agents)?.stop().catch(() => undefined)
  }

  #admit(): void {
    this.#isAdmitted = true
    this.#admission.resolve()
  }

  #report(role: string, state: 'up' | 'down', text: string | null): void {
    const { board, roles } = this.#options
    board.set(role, state, text)
    this.#heard.add(role)
    if (role === gatekeeper && state === 'down' && !this.#isAdmitted)
      for (const each of roles.filter((other) => other !== role)) this.#report(each, 'down', `waits for ${gatekeeper}`)
    if (this.#isReady || !roles.every((each) => this.#heard.has(each))) return
    this.#isReady = true
    this.#options.ready()
  }

  #envOf(service: ServiceDefinition): Omit<AgentEnv, 'roles'> {
    const { stateDir, settings, hostName, roles, remark } = this.#options
    const bridge = providerBridge(settings.name)
    const connect = (type: string) => httpTransport(urlOf(settings, type))
    const account = new ServiceAccount(connect('identity'), readAuthtoken(stateDir, service).own())
    const controlUser = controlUserOf(stateDir)
    return {
      ...(controlUser && { controlUser }),
      host: hostName,
      stateDir,
      cloudName: settings.name,
      bus: this.#bus,
      logOf: (name) => logOf(stateDir, name, service.type),
      bridges: {
        mappings: new Map([['provider', bridge]]),
        own: new Map([[bridge, () => ensureProviderBridge(bridge, settings.providerCidr)]]),
      },
      connect,
      serviceToken: () => account.token(),
      urlOf: (port) => urlOf(settings, port),
      secretOf(name) {
        if (!roles.some((role) => service.roles[role]?.secrets?.includes(name)))
          throw new Error(`no role of ${service.type} in this process may read the secret '${name}'`)
        return readSecret(stateDir, name)
      },
      report: (role, state, text) => this.#report(role, state, text),
      remark,
      admitted: this.#admission.promise,
      admit: () => this.#admit(),
      stopping: this.#stopping.signal,
    }
  }
}
