/**
 * How the console proxy and nova-compute of a guest's host begin a console: the proxy asks over the bus for a ticket,
 * connects to the address that comes with it, sends the ticket, and hears `accepted` before the guest.
 */
import { Type, type Static } from 'typebox'

export const consoleTicket = Type.Object({
  /** A unix socket of the same machine; else `host` and `port`. */
  socketPath: Type.Union([Type.Null(), Type.String()]),
  host: Type.String(),
  port: Type.Integer(),
  /** For one connection, soon. */
  ticket: Type.String(),
})
export type ConsoleTicket = Static<typeof consoleTicket>

/** Characters of a ticket: 32 random bytes in base64url. */
export const ticketLength = 43

/** What says that the ticket is good and the guest's console open. */
export const accepted = '+'
