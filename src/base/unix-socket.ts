/** Connecting to unix sockets that lie in folders of less privileged users. */
import { closeSync, constants, fstatSync, openSync } from 'node:fs'
import { createConnection, Socket } from 'node:net'

/** Of Linux: opens the name itself, whatever it is, for nothing but being pointed at. Node has no name for it. */
const oPath = 0o10000000

/**
 * Begins a connection to the socket of that name; it fails where the name is something else: whoever owns the folder may
 * have put a link to another socket there. What was looked at is what is connected to, whatever becomes of the name.
 */
export function connectToSocket(path: string): Socket {
  let handle: number | undefined
  try {
    handle = openSync(path, oPath | constants.O_NOFOLLOW)
    if (!fstatSync(handle).isSocket()) throw new Error(`${path} is no socket`)
    // Connecting happens before this returns.
    return createConnection(`/proc/self/fd/${handle}`)
  } catch (error) {
    return new Socket().destroy(error instanceof Error ? error : new Error(String(error)))
  } finally {
    if (handle !== undefined) closeSync(handle)
  }
}
