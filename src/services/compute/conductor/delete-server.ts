/** The end of a server: it wins over every other story of the server and leaves nothing. */
import type { SagaKind } from '../../../platform/saga/kind.ts'
import type { ComputeDeps } from '../deps.ts'
import { power } from '../model/server.ts'
import { finishAction } from '../store/actions.ts'
import { deleteConsoleTokens } from '../store/console-tokens.ts'
import { deleteGuestData } from '../store/guest-data.ts'
import { hasOtherWork } from '../store/removal.ts'
import { findServer, updateServer } from '../store/servers.ts'
import { buryServer } from '../store/tombstones.ts'
import { removeGuest } from './remove-guest.ts'
import { releasePorts } from './ports.ts'

const undoMs = 24 * 3600 * 1000

export const deleteServer: SagaKind<{ startedAt: number }, ComputeDeps> = {
  kind: 'delete-server',
  steps: [
    {
      name: 'end other work',
      async run(_data, { database, waiters }, { resourceId, signal }) {
        const ended = async () => ((await hasOtherWork(database.db, resourceId)) ? undefined : true)
        await waiters.until(resourceId, ended, { timeoutMs: undoMs, everyMs: 50, signal })
      },
    },
    {
      name: 'remove guest',
      run: async (_data, deps, { resourceId }) => removeGuest(deps, resourceId, { isFinal: true }),
    },
    {
      name: 'release ports',
      async run(_data, deps, { resourceId }) {
        const server = await findServer(deps.database.db, resourceId)
        if (server) await releasePorts(deps, server)
      },
    },
    {
      name: 'release resources',
      run: async (_data, { placement }, { resourceId }) => placement.deleteAllocations(resourceId),
    },
  ],
  async done({ startedAt }, deps, { resourceId, requestId }) {
    const { database } = deps
    const now = deps.now()
    await database.transaction(async (tx) => {
      await deleteConsoleTokens(tx, resourceId)
      await buryServer(tx, database.engine, resourceId, now)
      await deleteGuestData(tx, resourceId)
      await updateServer(tx, resourceId, {
        vmState: 'deleted',
        taskState: null,
        taskSince: null,
        powerState: power.none,
        desiredPower: 'absent',
        adminPass: null,
        terminatedAt: now,
        deletedAt: now,
      })
      await finishAction(
        tx,
        { serverId: resourceId, requestId },
        {
          now,
          event: 'compute_terminate_instance',
          startAt: startedAt,
          host: null,
          result: 'Success',
        },
      )
    })
    deps.waiters.wake(resourceId)
  },
  /** A step that failed is not given up: the next round of the periodic starts the delete again. */
  async failed(_data, deps, error, { resourceId }) {
    deps.log.warn({ err: error, server: resourceId }, 'delete failed, it will be started again')
  },
}
