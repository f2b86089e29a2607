/** The story of a new server: host, ports, guest. Every step may run again after a crash. */
import type { SagaKind, Step } from '../../../platform/saga/kind.ts'
import { BuildFailed } from '../errors.ts'
import type { Db } from '../../../platform/db/database.ts'
import type { ComputeDeps } from '../deps.ts'
import { power } from '../model/server.ts'
import type { Hints } from '../rpc/scheduler.ts'
import { finishAction } from '../store/actions.ts'
import { findServer, updateServer } from '../store/servers.ts'
import type { ComputeSchema } from '../store/tables.ts'
import { prepareConfigDrive } from './config-drives.ts'
import { faultOf, keepingFaults } from './faults.ts'
import { allocatePorts, markPorts, releasePorts, type WantedPort } from './ports.ts'
import { removeGuest } from './remove-guest.ts'
import { selectHost } from './select-host.ts'
import { enter, giveUpHost, live, moveOn, spawn } from './spawn.ts'

type ComputeDb = Db<ComputeSchema>

export interface BuildData {
  networks: WantedPort[] | 'auto' | 'none'
  securityGroupIds: string[]
  hints: Hints
  host?: string
  node?: string
  hasPorts?: boolean
}

const steps: readonly Step<BuildData, ComputeDeps>[] = [
  {
    name: 'schedule',
    async run({ hints }, deps, context) {
      const server = await live(deps, context)
      const ask = { serverId: server.id, hints, triedHosts: [] }
      const { host, node } = await selectHost(deps, ask, context.signal)
      context.note('host chosen', host)
      return { host, node }
    },
    async undo(_data, { placement, database }, { resourceId }) {
      await placement.deleteAllocations(resourceId)
      await updateServer(database.db, resourceId, { scheduledHost: null })
    },
  },
  {
    name: 'allocate networks',
    async run(data, deps, context) {
      const server = await live(deps, context)
      // Already in this task: an earlier process was cut here, so its ports must be found again.
      const mayHavePorts = server.taskState === 'networking'
      if (!mayHavePorts) await enter(deps, server, { taskState: 'networking' })
      const ports = await allocatePorts(deps, server, { ...data, host: data.host!, mayHavePorts })
      await updateServer(deps.database.db, server.id, { ports })
      // Neutron may have told of them before the server had them.
      const active = ports.filter(({ id, isActive }) => !isActive && deps.plugged.take(id)).map(({ id }) => id)
      if (active.length > 0) await markPorts(deps, server.id, { active })
    },
    async undo(_data, deps, { resourceId }) {
      const server = await findServer(deps.database.db, resourceId)
      if (!server) return
      await releasePorts(deps, server)
      await updateServer(deps.database.db, resourceId, { ports: [] })
    },
  },
  {
    name: 'spawn',
    async run(data, deps, context) {
      await prepareConfigDrive(deps, await live(deps, context))
      let place = { host: data.host!, node: data.node! }
      for (;;) {
        let server = await live(deps, context)
        // An earlier process may have been cut anywhere on the way to another host.
        const { host, node, triedHosts } = server
        if (host !== null && node !== null && !triedHosts.includes(host)) place = { host, node }
        else if (triedHosts.includes(place.host)) {
          place = await moveOn(deps, server, data, context)
          server = await live(deps, context)
        }
        try {
          await spawn(deps, server, place, context)
          return place
        } catch (error) {
          if (!(error instanceof BuildFailed)) throw error
          await giveUpHost(deps, await live(deps, context), data.hints, { host: place.host, error }, context)
        }
      }
    },
    async undo(_data, deps, { resourceId }) {
      await removeGuest(deps, resourceId, { isFinal: false })
    },
  },
]

export const buildServer: SagaKind<BuildData, ComputeDeps> = {
  kind: 'build-server',
  steps: steps.map(keepingFaults),
  async complete(sagaTx, _data, deps, { resourceId, requestId }) {
    const tx = sagaTx as ComputeDb
    const server = await findServer(tx, resourceId)
    if (!server) return
    const now = deps.now()
    const changes = {
      vmState: 'active',
      taskState: null,
      taskSince: null,
      powerState: power.running,
      launchedAt: now,
      adminPass: null,
    } as const
    // A delete that came in the last moment keeps its task.
    const { revision } = server
    if (!(await updateServer(tx, resourceId, changes, { revision, taskState: 'spawning' }))) return
    const event = 'compute__do_build_and_run_instance'
    const end = { now, event, startAt: server.createdAt, host: server.host, result: 'Success' } as const
    await finishAction(tx, { serverId: resourceId, requestId }, end)
  },
  async failed(_data, deps, error, { resourceId, requestId }) {
    const server = await findServer(deps.database.db, resourceId)
    if (!server || server.deletedAt !== null) return
    const now = deps.now()
    const fault = server.fault ?? faultOf(error, now)
    await deps.database.transaction(async (tx) => {
      if (server.taskState !== 'deleting') {
        await updateServer(
          tx,
          resourceId,
          { vmState: 'error', taskState: null, taskSince: null, powerState: power.none, fault, adminPass: null },
          server,
        )
      }
      await finishAction(
        tx,
        { serverId: resourceId, requestId },
        {
          now,
          event: 'compute__do_build_and_run_instance',
          startAt: server.createdAt,
          host: server.host,
          result: 'Error',
          message: fault.message,
          detail: fault.details,
        },
      )
    })
  },
}
