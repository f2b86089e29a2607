/** Opens what nova's roles of a process share: configuration, database, sagas, the ways to other services. */
import { openDatabase } from '../../platform/db/database.ts'
import { leasesOf } from '../../platform/db/lease.ts'
import { migrateOpened } from '../../platform/db/migrate.ts'
import { ServiceError } from '../../platform/errors.ts'
import { ServiceClient } from '../../platform/http/client.ts'
import { rpcClient, rpcFanout, rpcServe, type Bus } from '../../platform/rpc/contract.ts'
import { SagaRunner } from '../../platform/saga/saga.ts'
import type { ServiceEnv } from '../../platform/service.ts'
import { identityApi } from './clients/identity.ts'
import { imageApi } from './clients/image.ts'
import { networkApi } from './clients/network.ts'
import { placementApi } from './clients/placement.ts'
import { securityGroupApi } from './clients/security-groups.ts'
import { buildServer } from './conductor/build-server.ts'
import { Census } from './conductor/census.ts'
import { deleteServer } from './conductor/delete-server.ts'
import { HeldHosts } from './conductor/held-hosts.ts'
import { attachInterface, detachInterface } from './conductor/interfaces.ts'
import { PluggedPorts } from './conductor/plugged-ports.ts'
import { Waiters } from './conductor/waiters.ts'
import { loadComputeConfig } from './config.ts'
import type { ComputeDeps } from './deps.ts'
import { computeContract } from './rpc/compute.ts'
import { processesContract } from './rpc/processes.ts'
import { schedulerContract } from './rpc/scheduler.ts'
import { migrations } from './store/migrations.ts'
import type { ComputeSchema } from './store/tables.ts'

/** Clients in place of the real services, for tests. */
export type Foreign = Pick<ComputeDeps, 'identity' | 'image' | 'placement' | 'network' | 'securityGroups'>

/** Brings the schema up to date too. Throws ConfigError. */
export async function openCompute(env: ServiceEnv, foreign: Foreign = foreignOf(env)): Promise<ComputeDeps> {
  const config = loadComputeConfig(env.configFiles, (text) => env.log.warn({}, text))
  const database = openDatabase<ComputeSchema>(config.databaseUrl || env.databaseUrl, {
    isDurable: config.sqliteSynchronous,
  })
  await migrateOpened(database, migrations)
  const processes = rpcFanout(env.bus, processesContract)
  const leases = leasesOf(database, { log: env.log, owner: env.processName })
  const from = leases.owner
  const sagas = new SagaRunner<ComputeDeps, ComputeSchema>(
    { database, leases, log: env.log, handOver: () => void processes.begin({}) },
    [buildServer, deleteServer, attachInterface, detachInterface],
  )
  return {
    database,
    config,
    log: env.log,
    leases,
    sagas,
    agents: rpcClient(env.bus, computeContract),
    scheduler: rpcClient(env.bus, schedulerContract),
    waiters: new Waiters({
      wake: (id) => void processes.wake({ serverIds: [id], from }),
      settle: (requestId, error) => void processes.settle({ requestId, error: error && wireErrorOf(error), from }),
    }),
    plugged: new PluggedPorts(),
    census: new Census(),
    held: new HeldHosts(),
    ...foreign,
    consoleUrl: env.urlOf('novncproxy'),
    now: Date.now,
  }
}

/** What users may see of an error is an ServiceError; of any other one its kind tells. */
const wireErrorOf = (error: Error) => ({
  kind: error instanceof ServiceError ? error.kind : ('internal' as const),
  message: error.message,
})

/** Hears what the other processes of nova tell; returns how to stop. */
export function serveProcesses({ waiters, leases, sagas }: ComputeDeps, bus: Bus, host: string): () => void {
  return rpcServe(bus, processesContract, host, {
    async wake({ serverIds, from }) {
      if (from !== leases.owner) for (const id of serverIds) waiters.wakeHere(id)
    },
    async settle({ requestId, error, from }) {
      if (from === leases.owner) return
      const isOurs = error !== null && error.kind !== 'internal'
      waiters.settleHere(
        requestId,
        isOurs ? new ServiceError(error.kind, error.message) : error && new Error(error.message),
      )
    },
    async begin() {
      sagas.lookSoon()
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
