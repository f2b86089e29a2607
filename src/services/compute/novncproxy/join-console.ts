import { createConnection, type Socket } from 'node:net'
import { takeBytes } from '../../../base/take-bytes.ts'
import { accepted, type ConsoleTicket } from '../rpc/console-ticket.ts'

const joinedWithinMs = 15_000

/** A stream to the console that a ticket is for. Rejects where the guest's host does not open it. */
export async function joinConsole({ socketPath, host, port, ticket }: ConsoleTicket): Promise<Socket> {
  const socket = socketPath === null ? createConnection(port, host) : createConnection(socketPath)
  const timer = setTimeout(() => socket.destroy(new Error('the host of the server does not answer')), joinedWithinMs)
  const failed = new Promise<never>((_, reject) => socket.once('error', reject))
  try {
    socket.write(ticket)
    const answer = await Promise.race([takeBytes(socket, accepted.length), failed])
    if (answer?.toString() !== accepted) throw new Error('the host of the server did not open its console')
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  } finally {
    clearTimeout(timer)
  }
}
