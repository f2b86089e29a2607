/** What may be done with a guest that no wish names. Only a positive answer lets a host remove it. Pure. */
import type { Server } from './server.ts'

export type Verdict = 'deleted' | 'moved' | 'busy' | 'elsewhere' | 'unknown'

/** What the database has of the guest's server. */
export interface Evidence {
  server: Server | undefined
  /** A tombstone says that it was deleted. */
  isBuried: boolean
  /** A saga of the server runs. */
  isBusy: boolean
}

/** `revision` is that of the last wish that `host` carried out for the guest, 0 for none. */
export function verdictOf(host: string, revision: number, { server, isBuried, isBusy }: Evidence): Verdict {
  if (!server) return isBuried ? 'deleted' : 'unknown'
  if (server.deletedAt !== null) return 'deleted'
  if (isBusy || server.taskState !== null || server.host === host) return 'busy'
  // A database that is older than what the host did cannot know where the server went since.
  const isOlder = server.revision < revision
  const wentOn = server.host !== null && server.launchedAt !== null && server.triedHosts.includes(host)
  return wentOn && !isOlder ? 'moved' : 'elsewhere'
}
