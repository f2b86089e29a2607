import { PolicyEnforcer } from '../../platform/auth/policy.ts'
import { openDatabase } from '../../platform/db/database.ts'
import { leasesOf } from '../../platform/db/lease.ts'
import { migrate } from '../../platform/db/migrate.ts'
import { createApp } from '../../platform/http/app.ts'
import { ServiceClient } from '../../platform/http/client.ts'
import type { Route } from '../../platform/http/route.ts'
import type { ApiDefinition } from '../../platform/http/service.ts'
import { rpcClient, rpcFanout, rpcServe, type Bus } from '../../platform/rpc/contract.ts'
import { startPeriodics } from '../../platform/periodic/periodic.ts'
import { SagaRunner } from '../../platform/saga/saga.ts'
import type { RunningService, ServiceEnv } from '../../platform/service.ts'
import { invalid } from './api/invalid.ts'
import { withLegacyEndpoint } from './api/legacy.ts'
import { removedRoutes } from './api/removed/routes.ts'
import { routes } from './api/routes.ts'
import { rules } from './api/rules.ts'
import { versionRoutes } from './api/versions/routes.ts'
import { identityApi } from './clients/identity.ts'
import { imageApi } from './clients/image.ts'
import { securityGroupApi } from './clients/security-groups.ts'
import { networkApi } from './clients/network.ts'
import { placementApi } from './clients/placement.ts'
import { buildServer } from './conductor/build-server.ts'
import { serveConductor } from './conductor/conductor.ts'
import { serveOperator } from './conductor/operator.ts'
import { deleteServer } from './conductor/delete-server.ts'
import { attachInterface, detachInterface } from './conductor/interfaces.ts'
import { Census } from './conductor/census.ts'
import { HeldHosts } from './conductor/held-hosts.ts'
import { PluggedPorts } from './conductor/plugged-ports.ts'
import { Waiters } from './conductor/waiters.ts'
import { loadComputeConfig } from './config.ts'
import type { ComputeDeps } from './deps.ts'
import { BadRequest, envelope } from './errors.ts'
import { openConsole } from './operations/consoles.ts'
import { explainServer, type ServerExplanation } from './operations/explain-server.ts'
import {
  getGuestPassword,
  getServerMetadata,
  setGuestPassword,
  type MetadataSource,
} from './operations/server-metadata.ts'
import { Findings } from './periodic/findings.ts'
import { HostReconciler } from './periodic/reconcile-hosts.ts'
import { purge } from './periodic/purge.ts'
import { endStaleTasks } from './periodic/tasks.ts'
import { conductorsContract } from './rpc/conductors.ts'
import { computeContract } from './rpc/compute.ts'
import { touchService } from './store/hosts.ts'
import { migrations } from './store/migrations.ts'
import type { ComputeSchema } from './store/tables.ts'
import { versions } from './versions.ts'

/** Nova's HTTP side as data. */
export const definition: ApiDefinition = {
  type: 'compute',
  basePaths: ['/v2.1', '/v2.1/:project_id([0-9a-f]{32}|[0-9a-f-]{36})'],
  microversions: {
    table: versions,
    legacyHeader: 'X-OpenStack-Nova-API-Version',
    form: /^[1-9]\d*\.(0|[1-9]\d*)$/,
  },
  envelope,
  invalid,
  requestIdHeaders: ['x-compute-request-id'],
}

/** What the rest of the cloud may ask of nova besides its API. */
export interface ComputeService extends RunningService {
  getServerMetadata(id: string, projectId: string): Promise<MetadataSource | null>
  getGuestPassword(id: string): Promise<string>
  setGuestPassword(id: string, password: string): Promise<boolean>
  readonly metadataCacheS: number
  /** For the VNC proxy: where the console of a token ends. */
  openConsole(token: string): Promise<{ socketPath: string | null; host: string; port: number } | null>
  /** For admins: how a server came to its state. */
  explainServer(id: string): Promise<ServerExplanation | null>
  /** Calls back with what reconciling found; null for nothing. */
  onNotice(listener: (notice: string | null) => void): void
}

/** Clients in place of the real services, for tests. */
export type Foreign = Pick<ComputeDeps, 'identity' | 'image' | 'placement' | 'network' | 'securityGroups'>

export async function createComputeService(
  env: ServiceEnv,
  foreign: Foreign = foreignOf(env),
): Promise<ComputeService> {
  const config = loadComputeConfig(env.configFiles, (text) => env.log.warn({}, text))
  const database = openDatabase<ComputeSchema>(config.databaseUrl || env.databaseUrl, {
    isDurable: config.sqliteSynchronous,
  })
  await migrate(database, migrations)
  const conductors = rpcFanout(env.bus, conductorsContract)
  const leases = leasesOf(database, { log: env.log, owner: env.processName })
  const sagas = new SagaRunner<ComputeDeps, ComputeSchema>({ database, leases, log: env.log }, [
    buildServer,
    deleteServer,
    attachInterface,
    detachInterface,
  ])
  const deps: ComputeDeps = {
    database,
    config,
    log: env.log,
    leases,
    sagas,
    agents: rpcClient(env.bus, computeContract),
    waiters: new Waiters((id) => void conductors.wake({ serverIds: [id], from: leases.owner })),
    plugged: new PluggedPorts(),
    census: new Census(),
    held: new HeldHosts(),
    ...foreign,
    urls: env.urls,
    now: Date.now,
  }
  const api = createApp({
    parseProxyHeaders: config.parseProxyHeaders,
    definition,
    routes: [...routes, ...removedRoutes].map(forOwnProject),
    rootRoutes: versionRoutes,
    deps,
    enforcer: new PolicyEnforcer(rules, env.policyOverrides),
    authenticator: env.authenticator,
    log: env.log,
    baseUrl: env.baseUrl,
    authUrl: env.authUrl,
  })
  let onNotice: (notice: string | null) => void = () => undefined
  const reconciler = new HostReconciler(deps, new Findings(env.log, (notice) => onNotice(notice)))
  const app = withLegacyEndpoint(api)
  const stops: (() => void | Promise<void>)[] = []
  const beat = () =>
    database.transaction(async (tx) => {
      for (const role of ['nova-scheduler', 'nova-conductor']) await touchService(tx, env.host, role, Date.now())
    })
  return {
    apps: { compute: app },
    async start() {
      // A full disk takes no heartbeat, and stops nobody from reading.
      await beat().catch((err: unknown) => env.log.warn({ err }, 'heartbeat failed'))
      stops.push(
        serveConductor(deps, env.bus, env.host),
        serveOperator(deps, env.bus, env.host),
        serveWakes(deps, env.bus, env.host),
      )
      await leases.start()
      await sagas.resume(deps)
      stops.push(
        startPeriodics({ database, leases, log: env.log }, [
          { name: 'heartbeat', everyMs: 10_000, isForEach: true, run: beat },
          { name: 'end stale tasks', everyMs: 15_000, run: () => endStaleTasks(deps) },
          // Of the hosts that speak to this process.
          { name: 'reconcile hosts', everyMs: 2000, isForEach: true, run: () => reconciler.run() },
          { name: 'remove old rows', everyMs: 600_000, run: () => purge(deps) },
        ]),
      )
    },
    async stop() {
      sagas.stop()
      await Promise.all(stops.map((stop) => stop()))
      await sagas.idle()
      await leases.stop()
      await database.close()
    },
    getServerMetadata: (id, projectId) => getServerMetadata(deps, id, projectId),
    getGuestPassword: (id) => getGuestPassword(deps, id),
    setGuestPassword: (id, password) => setGuestPassword(deps, id, password),
    metadataCacheS: config.metadataCacheExpiration,
    openConsole: (token) => openConsole(deps, token),
    explainServer: (id) => explainServer(deps, id),
    onNotice: (listener) => void (onNotice = listener),
  }
}

/** A project in the URL is the token's own: others are reached by parameters. */
const forOwnProject = (route: Route<ComputeDeps>): Route<ComputeDeps> => ({
  ...route,
  async admit(request, deps) {
    const { project_id: named }: { project_id?: string } = request.params
    const own = request.ctx.projectId
    if (named !== undefined && named !== own)
      throw new BadRequest(
        `Malformed request URL: URL's project_id '${named}' doesn't match Context's project_id '${own ?? 'None'}'`,
      )
    await route.admit?.(request, deps)
  },
})

function serveWakes({ waiters, leases }: ComputeDeps, bus: Bus, host: string): () => void {
  return rpcServe(bus, conductorsContract, host, {
    async wake({ serverIds, from }) {
      if (from !== leases.owner) for (const id of serverIds) waiters.wakeHere(id)
    },
  })
}

function foreignOf(env: ServiceEnv): Foreign {
  const client = (type: string, headers: Record<string, string> = {}) =>
    new ServiceClient(type, env.connect(type), () => env.serviceToken(), headers)
  return {
    identity: identityApi(client('identity')),
    image: imageApi(client('image')),
    placement: placementApi(client('placement', { 'OpenStack-API-Version': 'placement 1.39' })),
    network: networkApi(client('network')),
    securityGroups: securityGroupApi(client('network')),
  }
}
