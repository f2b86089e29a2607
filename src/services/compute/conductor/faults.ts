import type { Step } from '../../../platform/saga/kind.ts'
import type { ComputeDeps } from '../deps.ts'
import { BuildFailed, NoValidHost } from '../errors.ts'
import type { Fault } from '../model/server.ts'
import { updateServer } from '../store/servers.ts'

const isOurs = (error: unknown) => error instanceof BuildFailed || error instanceof NoValidHost

/** What users see of an error: our own sentences as they are, nothing of others. */
export const faultOf = (error: Error, now: number): Fault => ({
  code: 500,
  message: (isOurs(error) ? error.message : 'The server could not be built.').slice(0, 255),
  details: error instanceof BuildFailed && error.detail !== '' ? error.detail : String(error.stack ?? error.message),
  at: now,
})

/**
 * Keeps what a step says to the user with the server at once: whoever undoes the build, after a restart too, has no more
 * of the error than its text. Nobody sees it before the server is in ERROR.
 */
export const keepingFaults = <Data>(step: Step<Data, ComputeDeps>): Step<Data, ComputeDeps> => ({
  ...step,
  async run(data, deps, context) {
    try {
      return await step.run(data, deps, context)
    } catch (error) {
      if (error instanceof Error && isOurs(error))
        await updateServer(deps.database.db, context.resourceId, { fault: faultOf(error, deps.now()) })
      throw error
    }
  },
})
