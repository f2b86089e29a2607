/** How what runs in a process reaches the rest of the cloud: the bus, the other services, keystone's word on tokens. */
import { isErrno } from '../host/process.ts'
import type { App } from '../platform/http/app.ts'
import { httpTransport, localTransport, type Transport } from '../platform/http/client.ts'
import { Unavailable } from '../platform/errors.ts'
import { keystoneAuthenticator } from '../platform/http/keystone-authenticator.ts'
import type { Authenticator } from '../platform/http/service.ts'
import type { Bus } from '../platform/rpc/contract.ts'
import type { Foundation, ServiceDefinition, ServiceEnv } from '../platform/service.ts'
import { readAuthtoken } from './authtoken.ts'
import { catalogOf, endpointOf } from './catalog.ts'
import { logOfControl } from './logs.ts'
import { readPolicies } from './policies.ts'
import type { RoleBoard } from './role-board.ts'
import { people, readSecret } from './secrets.ts'
import { ServiceAccount, type ServiceUser } from './service-account.ts'
import { configFilesOf, databaseUrlOf } from './service-files.ts'
import { serviceOf, services } from './services.ts'
import { addressOf, paths, portOf, urlOf, type Settings } from './settings.ts'

export interface WiringOptions {
  stateDir: string
  settings: Settings
  hostName: string
  bus: Bus
  board: RoleBoard
  /** Names of the roles of this process. */
  roles: readonly string[]
}

export class Wiring {
  /** The APIs of this process, by type. */
  readonly apps = new Map<string, App>()
  /** Keystone's own, where it is in this process. */
  ownAuthenticator: Authenticator | undefined
  readonly #options: WiringOptions
  readonly #accounts = new Map<string, ServiceAccount>()

  constructor(options: WiringOptions) {
    this.#options = options
  }

  log(name: string, type = name) {
    return logOfControl(this.#options.stateDir, name, type)
  }

  /**
   * The way to a service: straight into its app where that is in this process, else to `url`, or to where `account` finds it.
   */
  connect(type: string, account?: ServiceAccount, url = ''): Transport {
    return {
      send: async (request) => {
        const app = this.apps.get(type)
        if (app) return localTransport(app).send(request)
        return httpTransport(url || (await this.#urlOf(type, account))).send(request)
      },
    }
  }

  async #urlOf(type: string, account: ServiceAccount | undefined): Promise<string> {
    const { settings, roles } = this.#options
    const service = serviceOf(type)
    const isHere = roles.some((role) => service.roles[role]?.isApi)
    if (isHere) throw new Unavailable(`the ${type} service is not running; see nephos status`)
    // Keystone is asked for its own address by nobody.
    const found = type === 'identity' ? undefined : await account?.endpoint(type, settings.region)
    const url = found ?? endpointOf(settings, service)
    return url.endsWith(service.endpointPath) ? url.slice(0, url.length - service.endpointPath.length) : url
  }

  #accountOf(service: ServiceDefinition, keystone: Transport): ServiceAccount {
    const known = this.#accounts.get(service.type)
    if (known) return known
    const account = new ServiceAccount(keystone, readAuthtoken(this.#options.stateDir, service).own())
    this.#accounts.set(service.type, account)
    return account
  }

  /** Keystone's own validator where keystone is in this process. */
  #authenticatorOf(remote: Authenticator): Authenticator {
    return {
      ...(remote.serviceTokens && { serviceTokens: remote.serviceTokens }),
      validate: (token, options) => (this.ownAuthenticator ?? remote).validate(token, options),
    }
  }

  /** How a service learns who asks. Keystone itself asks nobody. Throws ConfigError. */
  #guardOf(service: ServiceDefinition) {
    const authUrl = endpointOf(this.#options.settings, serviceOf('identity'))
    if (service.user === null)
      return { account: undefined, authUrl, authenticator: { validate: () => Promise.resolve(null) } }
    const { keystone, wwwAuthenticateUri, cacheS, serviceTokens } = readAuthtoken(this.#options.stateDir, service)
    const identity = this.connect('identity', undefined, keystone)
    const account = this.#accountOf(service, identity)
    const remote = keystoneAuthenticator({ identity, account, cacheS, serviceTokens })
    return { account, authUrl: wwwAuthenticateUri || authUrl, authenticator: this.#authenticatorOf(remote) }
  }

  /** What a service is given here. Throws ConfigError for its policy files. */
  envOf(service: ServiceDefinition): ServiceEnv {
    const { type, codeName, roles } = service
    const { stateDir, settings, hostName, bus, board } = this.#options
    const configFiles = configFilesOf(stateDir, type)
    const log = this.log(type)
    const { account, authUrl, authenticator } = this.#guardOf(service)
    const mine = this.#options.roles.flatMap((role) => roles[role]?.secrets ?? [])
    return {
      stateDir: paths(stateDir).service(type),
      configFiles,
      databaseUrl: databaseUrlOf(stateDir, type),
      policyOverrides: readPolicies(codeName, configFiles, (text) => log.warn({}, text)),
      log,
      logOf: (name) => this.log(name, type),
      bus,
      host: hostName,
      region: settings.region,
      authenticator,
      connect: (other) => this.connect(other, account),
      serviceToken: (scope) => account?.token(scope) ?? Promise.reject(new Error(`${type} has no user of its own`)),
      baseUrl: urlOf(settings, type),
      authUrl,
      addressOf: (port) => ({ host: addressOf(settings, port), port: portOf(settings, port) }),
      urlOf: (port) => urlOf(settings, port),
      secretOf(name) {
        if (!mine.includes(name)) throw new Error(`no role of ${type} in this process may read the secret '${name}'`)
        return readSecret(stateDir, name)
      },
      report: (role, notice) => board.set(role, 'up', notice),
      ...(mine.includes('accounts') && { foundation: () => foundationOf(stateDir, settings) }),
    }
  }
}

/** A service whose files may not be read is down, and says so. */
function userOf(stateDir: string, service: ServiceDefinition): ServiceUser | undefined {
  try {
    return readAuthtoken(stateDir, service).own()
  } catch (error) {
    if (isErrno(error, 'EACCES')) return undefined
    throw error
  }
}

function foundationOf(stateDir: string, settings: Settings): Foundation {
  const [admin, demo] = people
  const passwordOf = (user: string) => readSecret(stateDir, `user-${user}`).reveal()
  const own = services.filter(({ user }) => user !== null).flatMap((service) => userOf(stateDir, service) ?? [])
  return {
    projects: [...new Set(['admin', 'demo', ...own.map(({ project }) => project.name)])],
    users: [
      { name: admin, password: passwordOf(admin), project: 'admin', roles: ['admin'], systemAdmin: true, reset: false },
      { name: demo, password: passwordOf(demo), project: 'demo', roles: ['member'], reset: false },
      ...own.map(({ name, password, project }) => ({
        name,
        password: password.reveal(),
        project: project.name,
        roles: ['admin', 'service'],
        systemRoles: ['reader'],
        // Nobody but the cloud itself uses them.
        reset: true,
      })),
    ],
    region: settings.region,
    services: catalogOf(settings),
  }
}
