/** Runs control roles in this process, those of one service on what they share. The topology is a list of names. */
import { setTimeout as sleep } from 'node:timers/promises'
import { ConfigError, tellFiles } from '../platform/config/config.ts'
import type { App } from '../platform/http/app.ts'
import type { Transport } from '../platform/http/client.ts'
import { serve, type Observer } from '../platform/http/server.ts'
import { controlName, type Bus } from '../platform/rpc/contract.ts'
import { LocalBus } from '../platform/rpc/local-bus.ts'
import { serveBus, SocketBus } from '../platform/rpc/socket-bus.ts'
import type { RunningService, ServiceDefinition } from '../platform/service.ts'
import { problemsOfFiles } from './check-files.ts'
import { busRole, type RoleBoard } from './role-board.ts'
import { readSecret } from './secrets.ts'
import { otherFilesOf } from './service-files.ts'
import { services } from './services.ts'
import { addressOf, paths, portOf, type Settings } from './settings.ts'
import { Wiring } from './wiring.ts'

export interface ControlOptions {
  stateDir: string
  settings: Settings
  hostName: string
  /** Names of control roles, and the bus where this process has it. */
  roles: readonly string[]
  board: RoleBoard
  observe?: Observer
}

export interface Control {
  /** The way to a service, from inside this process. */
  connect(type: string): Transport
  stop(): Promise<void>
}

const firstPauseMs = 1000
const longestPauseMs = 30_000

/**
 * Starts the roles. One that fails is down with its reason and is tried again, and the others go on; where keystone is in
 * this process nothing starts without it. Throws ConfigError with everything that is wrong in the files of all.
 */
export async function startControl(options: ControlOptions): Promise<Control> {
  return new ControlProcess(options).start()
}

class ControlProcess {
  readonly #options: ControlOptions
  readonly #services: readonly ServiceDefinition[]
  readonly #wiring: Wiring
  readonly #bus: LocalBus | SocketBus
  readonly #stops: (() => unknown)[] = []
  readonly #stopped = new AbortController()

  constructor(options: ControlOptions) {
    const { roles } = options
    this.#options = options
    this.#services = services.filter((service) => roles.some((role) => service.roles[role]?.kind === 'control'))
    this.#bus = roles.includes(busRole) ? new LocalBus() : this.#joinBus()
    this.#wiring = new Wiring({ ...options, bus: this.#bus satisfies Bus })
  }

  #joinBus(): SocketBus {
    const { stateDir } = this.#options
    const log = { warn: (fields: object, text: string) => this.#wiring.log('bus', 'compute').warn(fields, text) }
    return new SocketBus({ path: paths(stateDir).bus, key: readSecret(stateDir, 'bus-control'), log }, controlName)
  }

  async start(): Promise<Control> {
    const { stateDir, board, roles } = this.#options
    for (const role of roles) board.set(role, 'starting')
    const problems = await problemsOfFiles(stateDir, this.#services)
    const [first, ...others] = this.#services
    // Nothing starts without keystone: then the problems of the others are told here, and not one after the other.
    if (first?.user === null && problems.has(first.type)) throw new ConfigError([...problems.values()].flat())
    for (const { type, codeName } of this.#services.filter((each) => !problems.has(each.type)))
      tellFiles(codeName, otherFilesOf(stateDir, type), (text) => this.#wiring.log(type).warn({}, text))
    const startService = async (service: ServiceDefinition) => {
      const found = problems.get(service.type)
      if (!found) return this.#startService(service)
      for (const role of this.#rolesOf(service)) board.set(role, 'down', new ConfigError(found).message)
    }
    if (first?.user === null) await this.#startKeystone(first)
    await Promise.all((first?.user === null ? others : this.#services).map(startService))
    await this.#openBus()
    return { connect: (type) => this.#wiring.connect(type), stop: () => this.#stop() }
  }

  async #openBus(): Promise<void> {
    const { stateDir, board } = this.#options
    if (this.#bus instanceof SocketBus) {
      const bus = this.#bus
      this.#stops.push(() => bus.close())
      return
    }
    const server = await serveBus(this.#bus, {
      path: paths(stateDir).bus,
      key: readSecret(stateDir, 'bus'),
      controlKey: readSecret(stateDir, 'bus-control'),
      log: this.#wiring.log('bus', 'compute'),
    })
    this.#stops.push(() => server.close())
    board.set(busRole, 'up')
  }

  #rolesOf = (service: ServiceDefinition): string[] =>
    this.#options.roles.filter((role) => service.roles[role] !== undefined)

  async #startKeystone(service: ServiceDefinition): Promise<void> {
    const running = await this.#open(service)
    this.#wiring.ownAuthenticator = running.authenticator
    const [api, ...others] = this.#rolesOf(service)
    await this.#startRole(service, running, api!)
    for (const role of others) await this.#startRoleWithRetries(service, running, role)
  }

  async #open(service: ServiceDefinition): Promise<RunningService> {
    const running = await service.open(this.#wiring.envOf(service))
    this.#stops.push(() => running.stop())
    return running
  }

  /** What cannot be had now, such as a database or a port, may be there later: it is tried again until the end. */
  async #startService(service: ServiceDefinition): Promise<void> {
    const names = this.#rolesOf(service)
    await this.#retry(names, async () => {
      const running = await this.#open(service)
      for (const role of names) await this.#startRoleWithRetries(service, running, role)
    })
  }

  #startRoleWithRetries(service: ServiceDefinition, running: RunningService, role: string): Promise<void> {
    return this.#retry([role], () => this.#startRole(service, running, role))
  }

  /** Does `work` now, and where it fails again and again behind the back of who waits. */
  async #retry(roles: readonly string[], work: () => Promise<void>): Promise<void> {
    const attempt = async (): Promise<boolean> => {
      try {
        await work()
        return true
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        for (const role of roles) this.#options.board.set(role, 'down', reason)
        return false
      }
    }
    if (await attempt()) return
    void this.#again(attempt)
  }

  async #again(attempt: () => Promise<boolean>): Promise<void> {
    const { signal } = this.#stopped
    for (let pause = firstPauseMs; ; pause = Math.min(pause * 2, longestPauseMs)) {
      await sleep(pause, undefined, { signal, ref: false }).catch(() => undefined)
      if (signal.aborted || (await attempt())) return
    }
  }

  async #startRole(service: ServiceDefinition, running: RunningService, role: string): Promise<void> {
    const { port, isApi } = service.roles[role]!
    // What has started stays so when the port cannot be had, and is not started twice by the next try.
    await running.start(role)
    if (port !== undefined && isApi) {
      const app = running.apps[service.type]!
      await this.#serve(app, port)
      this.#wiring.apps.set(service.type, app)
    }
    this.#options.board.set(role, 'up')
  }

  async #serve(app: App, port: string): Promise<void> {
    const { settings, observe } = this.#options
    const server = await serve(app, {
      host: addressOf(settings, port),
      port: portOf(settings, port),
      log: this.#wiring.log(app.type),
      ...(observe && { observe }),
    })
    this.#stops.push(() => server.close())
  }

  async #stop(): Promise<void> {
    this.#stopped.abort()
    for (const stop of this.#stops.reverse()) await Promise.resolve(stop()).catch(() => undefined)
  }
}
