import { Unavailable } from '../../../platform/errors.ts'
import { createHash, randomBytes } from 'node:crypto'
import type { ComputeDeps } from '../deps.ts'
import { Invalid, Conflict } from '../errors.ts'
import type { Server } from '../model/server.ts'
import type { ConsoleTicket } from '../rpc/console-ticket.ts'
import { deleteExpiredConsoleTokens, findConsoleToken, insertConsoleToken } from '../store/console-tokens.ts'
import { findServer } from '../store/servers.ts'

const hash = (token: string) => createHash('sha256').update(token).digest('hex')

/** The last lines of a server's serial console. */
export async function consoleOutput({ agents }: ComputeDeps, server: Server, lines: number | null): Promise<string> {
  if (server.host === null || server.vmState === 'building') throw new Conflict(`Instance ${server.id} is not ready`)
  try {
    return (await agents.getConsoleOutput(server.host, { serverId: server.id, lines }, { timeoutMs: 20_000 })).output
  } catch (cause) {
    throw new Unavailable('The host of the server does not answer.', { cause })
  }
}

/** Makes a console token and gives the address with it. Only the token's hash is kept. */
export async function issueConsole(
  { database, config, consoleUrl, now }: ComputeDeps,
  server: Server,
  type: string,
): Promise<string> {
  if (type !== 'novnc') throw new Invalid(`Invalid console type ${type}`)
  if (server.host === null || server.vmState === 'building') throw new Conflict(`Instance ${server.id} is not ready`)
  const token = randomBytes(32).toString('base64url')
  const expires = now() + config.consoleTtl * 1000
  await database.transaction(async (tx) => {
    await deleteExpiredConsoleTokens(tx, now())
    await insertConsoleToken(tx, {
      token_hash: hash(token),
      server_id: server.id,
      host: server.host!,
      type,
      expires_at: expires,
    })
  })
  return `${consoleUrl}/vnc_lite.html?path=${encodeURIComponent(`?token=${token}`)}`
}

/** For the proxy: what opens a token's console; null when the token is not, or no longer, good. */
export async function openConsole(deps: ComputeDeps, token: string): Promise<ConsoleTicket | null> {
  const { database, agents, now } = deps
  const row = await findConsoleToken(database.db, hash(token))
  if (!row || Number(row.expires_at) <= now()) return null
  const server = await findServer(database.db, row.server_id)
  const isThere =
    server?.deletedAt === null &&
    server.host === row.host &&
    (server.vmState === 'active' || server.vmState === 'paused')
  return isThere ? agents.openVncConsole(row.host, { serverId: server.id }) : null
}
