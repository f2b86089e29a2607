/**
 * The control side of a cloud in one process: every API, scheduler and conductor, wired together. The only place where
 * services learn of each other; they meet at their public interfaces.
 */
import { localTransport, type Transport } from '../platform/http/client.ts'
import { ServiceUnavailable } from '../platform/http/errors.ts'
import { serve, type HttpServer, type Observer } from '../platform/http/server.ts'
import type { App } from '../platform/http/app.ts'
import type { Authenticator } from '../platform/http/service.ts'
import { ConfigError, tellFiles } from '../platform/config/config.ts'
import { LocalBus } from '../platform/rpc/local-bus.ts'
import { serveBus } from '../platform/rpc/socket-bus.ts'
import { Secret } from '../platform/auth/secret.ts'
import type { RunningService, ServiceEnv } from '../platform/service.ts'
import { createIdentityService } from '../services/identity/service.ts'
import { createImageService } from '../services/image/service.ts'
import { createPlacementService } from '../services/placement/service.ts'
import { createComputeService } from '../services/compute/service.ts'
import { createNetworkService } from '../services/network/service.ts'
import { serveMetadata } from '../services/compute/metadata/server.ts'
import { serveNovncProxy } from '../services/compute/novncproxy/proxy.ts'
import { catalogOf } from './catalog.ts'
import { problemsOfFiles } from './check-files.ts'
import { logOf } from './logs.ts'
import { readPolicies } from './policies.ts'
import { codeNameOf, configFilesOf, databaseUrlOf, otherFilesOf } from './service-files.ts'
import { serviceTokens } from './service-token.ts'
import { addressOf, paths, portOf, urlOf, type PortName, type Secrets, type Settings } from './settings.ts'
import type { RoleBoard } from './roles.ts'

export interface Cloud {
  readonly bus: LocalBus
  readonly hostName: string
  /** Sends to the app of a service in this process. */
  connect(type: string): Transport
  stop(): Promise<void>
}

export interface CloudOptions {
  stateDir: string
  settings: Settings
  secrets: Secrets
  hostName: string
  board: RoleBoard
  observe?: Observer
}

/** Service type, role that serves its API, its user, and how to make it. */
const services = [
  { type: 'placement', role: 'placement-api', user: 'placement', create: createPlacementService },
  { type: 'image', role: 'glance-api', user: 'glance', create: createImageService },
  { type: 'network', role: 'neutron-server', user: 'neutron', create: createNetworkService },
] as const

/** Starts every control role. A role that fails is down with its reason and the others go on; without identity nothing can. */
export async function startCloud(options: CloudOptions): Promise<Cloud> {
  const { stateDir, settings, secrets, board } = options
  const apps = new Map<string, App>()
  const stops: (() => Promise<unknown> | void)[] = []
  const bus = new LocalBus(options.hostName)
  const connect = (type: string): Transport => ({
    send(request) {
      const app = apps.get(type)
      if (!app) return Promise.reject(new ServiceUnavailable(`the ${type} service is not running; see nephos status`))
      return localTransport(app).send(request)
    },
  })
  const log = (name: string, type = name) => logOf(stateDir, name, type)

  const listen = async (app: App, port: PortName) => {
    const server: HttpServer = await serve(app, {
      host: settings.bind,
      port: portOf(settings, port),
      log: log(app.type),
      ...(options.observe && { observe: options.observe }),
    })
    stops.push(() => server.close())
  }

  const problems = problemsOfFiles(stateDir)
  /** Throws with all that is wrong in the files of a service. */
  const rulesOf = (type: string): Readonly<Record<string, string>> => {
    const found = problems.get(type)
    if (found) throw new ConfigError(found)
    return readPolicies(codeNameOf(type), configFilesOf(stateDir, type), (text) => log(type).warn({}, text))
  }
  const envOf = (type: PortName, user: string, authenticator: Authenticator): ServiceEnv => ({
    stateDir: paths(stateDir).service(type),
    configFiles: configFilesOf(stateDir, type),
    databaseUrl: databaseUrlOf(stateDir, type),
    policyOverrides: rulesOf(type),
    log: log(type),
    bus,
    host: options.hostName,
    region: settings.region,
    authenticator,
    connect,
    serviceToken: serviceTokens(connect('identity'), user, secrets.servicePasswords[user] ?? ''),
    baseUrl: urlOf(settings, type),
    authUrl: `${urlOf(settings, 'identity')}/v3`,
    metadataSecret: new Secret(secrets.metadataSecret),
    urls: { novncproxy: urlOf(settings, 'novncproxy') },
  })

  const attempt = async (role: string, work: () => Promise<void>) => {
    board.set(role, 'starting')
    try {
      await work()
      board.set(role, 'up')
    } catch (error) {
      board.set(role, 'down', error instanceof Error ? error.message : String(error))
    }
  }
  const begin = async (service: RunningService, type: PortName) => {
    for (const [name, app] of Object.entries(service.apps)) {
      apps.set(name, app)
      await listen(app, type)
    }
    await service.start()
    stops.push(() => service.stop())
  }

  // Nothing starts without identity: then the problems of the others are told here, and not one after the other.
  if (problems.has('identity')) throw new ConfigError([...problems.values()].flat())
  for (const { type } of [{ type: 'identity' }, ...services, { type: 'compute' }]) {
    const files = otherFilesOf(stateDir, type)
    tellFiles(codeNameOf(type), files, (text) => log(type).warn({}, text))
  }
  board.set('keystone-api', 'starting')
  const nobody: Authenticator = { validate: () => Promise.resolve(null) }
  const identity = await createIdentityService(envOf('identity', 'keystone', nobody))
  await identity.bootstrap({
    projects: ['admin', 'demo', 'service'],
    users: [
      {
        name: 'admin',
        password: secrets.adminPassword,
        project: 'admin',
        roles: ['admin'],
        systemAdmin: true,
        reset: false,
      },
      { name: 'demo', password: secrets.demoPassword, project: 'demo', roles: ['member'], reset: false },
      ...Object.entries(secrets.servicePasswords).map(([name, password]) => ({
        name,
        password,
        project: 'service',
        roles: ['admin', 'service'],
        systemRoles: ['reader'],
        // Nobody but the cloud itself uses them.
        reset: true,
      })),
    ],
    region: settings.region,
    services: catalogOf(settings),
  })
  await begin(identity, 'identity')
  board.set('keystone-api', 'up')
  await attempt('keystone-admin', () => listen(identity.apps['identity']!, 'identityAdmin'))

  await Promise.all(
    services.map(({ type, role, user, create }) =>
      attempt(role, async () => begin(await create(envOf(type, user, identity.authenticator)), type)),
    ),
  )
  await attempt('nova-api', async () => {
    const compute = await createComputeService(envOf('compute', 'nova', identity.authenticator))
    await begin(compute, 'compute')
    board.set('nova-scheduler', 'up')
    board.set('nova-conductor', 'up')
    compute.onNotice((notice) => board.set('nova-conductor', 'up', notice))
    await attempt('nova-metadata', async () => {
      const metadata = await serveMetadata({
        host: addressOf(settings, 'metadata'),
        port: portOf(settings, 'metadata'),
        secret: new Secret(secrets.metadataSecret),
        cacheS: compute.metadataCacheS,
        getServerMetadata: compute.getServerMetadata,
        getGuestPassword: compute.getGuestPassword,
        setGuestPassword: compute.setGuestPassword,
        log: log('metadata', 'compute'),
      })
      stops.push(() => metadata.close())
    })
    await attempt('nova-novncproxy', async () => {
      const proxy = await serveNovncProxy({
        host: settings.bind,
        port: portOf(settings, 'novncproxy'),
        openConsole: compute.openConsole,
        log: log('novncproxy', 'compute'),
      })
      stops.push(() => proxy.close())
    })
  })
  const busServer = await serveBus(bus, {
    path: paths(stateDir).bus,
    key: new Secret(secrets.busKey),
    log: log('bus', 'compute'),
  })
  stops.push(() => busServer.close())

  return {
    bus,
    hostName: options.hostName,
    connect,
    async stop() {
      for (const stop of stops.reverse()) await Promise.resolve(stop()).catch(() => undefined)
    },
  }
}
