/**
 * Work that comes back by itself: it compares what is with what should be, takes no input, and one process does it at a
 * time (its lease). How it went last is in the database, for `nephos status`.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '../db/database.ts'
import type { LeaseSchema, Leases } from '../db/lease.ts'
import { runStatements, type Migration } from '../db/migrate.ts'
import { upsert } from '../db/upsert.ts'
import type { Logger } from '../log/log.ts'

export interface PeriodicSchema extends LeaseSchema {
  periodics: { name: string; started_at: number; ended_at: number | null; error: string | null }
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

/** The same good news is not written more often than this. */
const tellAgainMs = 60_000

/** One round, unless another process has the lease. Throws what the work throws, after it is recorded. */
async function runOnce(
  { database, leases }: PeriodicEnv<PeriodicSchema>,
  periodic: Periodic,
  told: Told,
  signal: AbortSignal,
): Promise<void> {
  if (periodic.isForEach) return void (await periodic.run(signal))
  if (!leases.isHeld() || !(await leases.acquire(`periodic/${periodic.name}`))) return
  const startedAt = Date.now()
  const record = async (error: string | null) => {
    if (error === null && told.error === null && performance.now() - told.at < tellAgainMs) return
    const row = { name: periodic.name, started_at: startedAt, ended_at: Date.now(), error }
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
