/** What runs of nova in a process, nova-compute aside. */
import { startPeriodics } from '../../platform/periodic/periodic.ts'
import { runningService, type RoleStarts, type RunningService, type ServiceEnv } from '../../platform/service.ts'
import { computeApp } from './api/app.ts'
import { serveConductor } from './conductor/conductor.ts'
import { serveOperator } from './conductor/operator.ts'
import type { ComputeDeps } from './deps.ts'
import { serveMetadata } from './metadata/server.ts'
import { serveNovncProxy } from './novncproxy/proxy.ts'
import { openCompute, serveProcesses, type Foreign } from './open.ts'
import { openConsole } from './operations/consoles.ts'
import { getGuestPassword, getServerMetadata, setGuestPassword } from './operations/server-metadata.ts'
import { Findings } from './periodic/findings.ts'
import { purge } from './periodic/purge.ts'
import { HostReconciler } from './periodic/reconcile-hosts.ts'
import { endStaleTasks } from './periodic/tasks.ts'
import { serveScheduler } from './scheduler/serve.ts'
import { touchService } from './store/hosts.ts'

/** With what its roles share, for tests of what lies below them. */
export interface ComputeService extends RunningService {
  readonly deps: ComputeDeps
}

/** Opens nova in this process. Throws ConfigError. */
export async function openComputeService(env: ServiceEnv, foreign?: Foreign): Promise<ComputeService> {
  const deps = await openCompute(env, foreign)
  const { database, leases, sagas } = deps
  const apps = { compute: computeApp(deps, env) }
  await leases.start()
  const stopHearing = serveProcesses(deps, env.bus, env.host)
  const close = async () => {
    stopHearing()
    await sagas.idle()
    await leases.stop()
    await database.close()
  }
  return { ...runningService(apps, rolesOf(deps, env), close), deps }
}

const rolesOf = (deps: ComputeDeps, env: ServiceEnv): RoleStarts => ({
  'nova-api': async () => () => undefined,
  'nova-scheduler': async () => {
    const stopBeating = await beat(deps, env, 'nova-scheduler')
    const stopServing = serveScheduler(deps, env.bus, env.host)
    return async () => {
      stopServing()
      await stopBeating()
    }
  },
  'nova-conductor': () => startConductor(deps, env),
  async 'nova-metadata'() {
    const server = await serveMetadata({
      ...env.addressOf('metadata'),
      secret: env.secretOf('metadata'),
      cacheS: deps.config.metadataCacheExpiration,
      getServerMetadata: (id, projectId) => getServerMetadata(deps, id, projectId),
      getGuestPassword: (id) => getGuestPassword(deps, id),
      setGuestPassword: (id, password) => setGuestPassword(deps, id, password),
      log: env.logOf('metadata'),
    })
    return () => server.close()
  },
  async 'nova-novncproxy'() {
    const server = await serveNovncProxy({
      ...env.addressOf('novncproxy'),
      openConsole: (token) => openConsole(deps, token),
      log: env.logOf('novncproxy'),
    })
    return () => server.close()
  },
})

async function startConductor(deps: ComputeDeps, env: ServiceEnv) {
  const { database, leases, log, sagas } = deps
  const stopBeating = await beat(deps, env, 'nova-conductor')
  const findings = new Findings(log, (notice) => env.report('nova-conductor', notice))
  const reconciler = new HostReconciler(deps, findings)
  const stopServing = [serveConductor(deps, env.bus, env.host), serveOperator(deps, env.bus, env.host)]
  await sagas.resume(deps)
  const stopPeriodics = startPeriodics({ database, leases, log }, [
    { name: 'end stale tasks', everyMs: 15_000, run: () => endStaleTasks(deps) },
    // Of the hosts that speak to this process.
    { name: 'reconcile hosts', everyMs: 2000, isForEach: true, run: () => reconciler.run() },
    { name: 'remove old rows', everyMs: 600_000, run: () => purge(deps) },
  ])
  return async () => {
    sagas.stop()
    for (const stop of stopServing) stop()
    await Promise.all([stopPeriodics(), stopBeating()])
    await sagas.idle()
  }
}

/** Shows a role in the list of services; returns how to stop. A full disk takes no heartbeat, and stops nobody from reading. */
async function beat({ database, leases, log }: ComputeDeps, env: ServiceEnv, role: string) {
  const touch = () => database.transaction((tx) => touchService(tx, env.host, role, Date.now()))
  await touch().catch((err: unknown) => log.warn({ err }, 'heartbeat failed'))
  return startPeriodics({ database, leases, log }, [
    { name: `heartbeat of ${role}`, everyMs: 10_000, isForEach: true, run: touch },
  ])
}
