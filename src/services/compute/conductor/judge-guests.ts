import type { ComputeDeps } from '../deps.ts'
import { verdictOf } from '../model/guest-verdict.ts'
import type { GuestVerdict } from '../rpc/conductor.ts'
import { listServersByIds } from '../store/servers.ts'
import { listBuried } from '../store/tombstones.ts'

/** Judges the guests of a host that are not `wanted` there, and keeps what was found. */
export async function judgeGuests(
  { database, sagas, census }: ComputeDeps,
  host: string,
  guests: readonly { id: string; revision: number }[],
  wanted: ReadonlySet<string>,
): Promise<{ id: string; verdict: GuestVerdict }[]> {
  const others = guests.filter(({ id }) => !wanted.has(id))
  const ids = others.map(({ id }) => id)
  const servers = new Map((await listServersByIds(database.db, ids)).map((server) => [server.id, server]))
  const buried = await listBuried(database.db, ids)
  const verdicts: { id: string; verdict: GuestVerdict }[] = []
  for (const { id, revision } of others) {
    const evidence = { server: servers.get(id), isBuried: buried.has(id), isBusy: await sagas.isBusy(id) }
    verdicts.push({ id, verdict: verdictOf(host, revision, evidence) })
  }
  census.take(
    host,
    guests.map(({ id }) => id),
    new Map(verdicts.map(({ id, verdict }) => [id, verdict])),
  )
  return verdicts
}
