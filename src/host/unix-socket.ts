/** Connecting to unix sockets that lie in folders of less privileged users. */
import { closeSync, constants, fstatSync, openSync } from 'node:fs'
import { createConnection, type Socket } from 'node:net'

/** Of Linux: opens the name itself, whatever it is, for nothing but being pointed at. Node has no name for it. */
const oPath = 0o10000000

/**
 * Begins a connection to the socket of that name. Throws where the name is none: whoever owns the folder may have put a
 * link to another socket there. What was looked at is what is connected to, whatever becomes of the name meanwhile.
 */
export function connectToSocket(path: string): Socket {
  const handle = openSync(path, oPath | constants.O_NOFOLLOW)
  try {
    if (!fstatSync(handle).isSocket()) throw new Error(`${path} is no socket`)
    // Connecting happens before this returns.
    return createConnection(`/proc/self/fd/${handle}`)
  } finally {
    closeSync(handle)
  }
}
