import { BuildFailed, NoValidHost } from '../errors.ts'
import type { Fault } from '../model/server.ts'

/** What users see of an error: our own sentences as they are, nothing of others. */
export function faultOf(error: Error, now: number): Fault {
  const isOurs = error instanceof BuildFailed || error instanceof NoValidHost
  return {
    code: 500,
    message: (isOurs || isKept(error) ? error.message : 'The server could not be built.').slice(0, 255),
    details: error instanceof BuildFailed && error.detail !== '' ? error.detail : String(error.stack ?? error.message),
    at: now,
  }
}

/** After a restart only the text of the error is left. */
const isKept = (error: Error) => error.message.startsWith('No valid host was found.')
