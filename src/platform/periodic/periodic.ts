/**
 * Work that comes back by itself: it compares what is with what should be, takes no input, and one process does it at a
 * time (its lease). How it went last is in the database, for `nephos status`.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Database, Db } from '../db/database.ts'
import type { LeaseSchema, Leases } from '../db/lease.ts'
import { addColumn, runStatements, type Migration } from '../db/migrate.ts'
import { upsert } from '../db/upsert.ts'
import type { Logger } from '../log/log.ts'

export interface PeriodicSchema extends LeaseSchema {
  periodics: {
    name: string
    started_at: number
    ended_at: number | null
    error: string | null
    every_ms: number | null
  }
}

/** For a migration. */
export const periodicTables: Migration['up'] = (db, engine) =>
  runStatements(
    db,
    engine,
    `create table if not exists periodics (
  name varchar(191) primary key, started_at bigint not null, ended_at bigint, error text
);`,
  )

/** For a migration after that: how soon it comes back. */
export const periodicIntervals: Migration['up'] = (db, engine) => addColumn(db, engine, 'periodics', 'every_ms bigint')

/** One piece of such work. */
export interface Periodic {
  readonly name: string
  readonly everyMs: number
  /** Where every process does it for itself, such as a heartbeat: no lease is asked for. */
  readonly isForEach?: boolean
  run(signal: AbortSignal): Promise<unknown>
}

export interface PeriodicEnv<Schema extends PeriodicSchema> {
  database: Database<Schema>
  leases: Leases
  log: Logger
}

/** Starts them; returns how to stop, which waits for what is under way. */
export function startPeriodics<Schema extends PeriodicSchema>(
  env: PeriodicEnv<Schema>,
  periodics: readonly Periodic[],
): () => Promise<void> {
  const stopped = new AbortController()
  const running = periodics.map((each) =>
    keepRunning(env as unknown as PeriodicEnv<PeriodicSchema>, each, stopped.signal),
  )
  return async () => {
    stopped.abort()
    await Promise.all(running)
  }
}

async function keepRunning(env: PeriodicEnv<PeriodicSchema>, periodic: Periodic, signal: AbortSignal): Promise<void> {
  const told: Told = { at: -Infinity, error: null }
  while (!signal.aborted) {
    await sleep(periodic.everyMs, undefined, { ref: false, signal }).catch(() => undefined)
    if (signal.aborted) return
    await runOnce(env, periodic, told, signal).catch((error: unknown) =>
      env.log.warn({ err: error, periodic: periodic.name }, `${periodic.name} failed`),
    )
  }
}

/** What is on record of a periodic, by the steady clock. */
interface Told {
  at: number
  error: string | null
}

const leasePrefix = 'periodic/'

/** The same good news is not written more often than this. */
const tellAgainMs = 60_000

/** What is known of a periodic, for whoever asks. Times are milliseconds since the epoch. */
export interface PeriodicState {
  name: string
  startedAt: number
  endedAt: number
  /** When it is to begin again. */
  nextAt: number
  /** Name of the process that has it; null for nobody. */
  owner: string | null
  error: string | null
  isLate: boolean
}

/** How each of them went last; `since` is when processes that could do it came up. */
export async function listPeriodics(db: Db<PeriodicSchema>, since: number, now = Date.now()): Promise<PeriodicState[]> {
  const rows = await db.selectFrom('periodics').selectAll().orderBy('name').execute()
  const leases = await db.selectFrom('leases').selectAll().where('name', 'like', `${leasePrefix}%`).execute()
  const owners = new Map(leases.map(({ name, owner }) => [name, owner]))
  return rows.map(({ name, started_at, ended_at, every_ms, error }) => {
    const [startedAt, endedAt, everyMs] = [Number(started_at), Number(ended_at ?? started_at), Number(every_ms ?? 0)]
    const from = Math.max(endedAt, since)
    return {
      name,
      startedAt,
      endedAt,
      error,
      nextAt: from + everyMs,
      owner: owners.get(leasePrefix + name) ?? null,
      // What goes well is not written each time.
      isLate: now > from + 2 * Math.max(everyMs, tellAgainMs),
    }
  })
}

/** One round, unless another process has the lease. Throws what the work throws, after it is recorded. */
async function runOnce(
  { database, leases }: PeriodicEnv<PeriodicSchema>,
  periodic: Periodic,
  told: Told,
  signal: AbortSignal,
): Promise<void> {
  if (periodic.isForEach) return void (await periodic.run(signal))
  if (!leases.isHeld() || !(await leases.acquire(leasePrefix + periodic.name))) return
  const startedAt = Date.now()
  const record = async (error: string | null) => {
    if (error === null && told.error === null && performance.now() - told.at < tellAgainMs) return
    const { name, everyMs } = periodic
    const row = { name, started_at: startedAt, ended_at: Date.now(), error, every_ms: everyMs }
    // News of the last round: a power cut may take them.
    await upsert(database.relaxed, database.engine, 'periodics', ['name'], row)
    Object.assign(told, { at: performance.now(), error })
  }
  try {
    await periodic.run(signal)
  } catch (error) {
    await record(error instanceof Error ? error.message : String(error)).catch(() => undefined)
    throw error
  }
  await record(null)
}
