/**
 * Who owns a piece of durable work, in the service's database. Each process has one lease on its own name, which it
 * renews; everything else that it owns (a saga, a periodic, an upload) names it and is its own for as long as it lives.
 *
 * No clocks are compared: a lease is over when its generation has stood still for `ttlMs` of the watcher's own
 * monotonic time, when its owner gave it up, or when the owner is proved dead on this machine. An owner that could not
 * renew in that time takes itself for dead first (`onLost`). Who was suspended and did not notice is stopped by the
 * owner's name that every record of its work is written under: it no longer matches.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import type { Logger } from '../log/log.ts'
import { isDatabaseDown, isDuplicate, type Database } from './database.ts'
import { runStatements, type Migration } from './migrate.ts'
import { isProvedDead, nameProcess } from './process-identity.ts'

export interface LeaseSchema {
  leases: { name: string; owner: string; generation: number }
}

/** For a migration. */
export const leaseTables: Migration['up'] = (db, engine) =>
  runStatements(
    db,
    engine,
    `create table if not exists leases (
  name varchar(191) primary key, owner varchar(64) not null, generation bigint not null
);`,
  )

const defaultTtlMs = 15_000
const processPrefix = 'process/'

export interface LeaseOptions {
  log: Logger
  /** How long a lease stands without being renewed. */
  ttlMs?: number
  /** Milliseconds of a clock that never jumps. */
  now?: () => number
  /** Name of this process where it is not to be made here. */
  owner?: string | undefined
}

/** The leases of this process in a service's database. */
export const leasesOf = <Schema extends LeaseSchema>(database: Database<Schema>, options: LeaseOptions): Leases =>
  // A schema with more tables has this one too; Kysely does not see it.
  // A power cut ends all who could remember them, so they need not wait for the disk.
  new Leases(database.relaxed as unknown as Kysely<LeaseSchema>, options)

/** The leases of one process in one database. */
export class Leases {
  readonly owner: string
  readonly ttlMs: number
  readonly #db: Kysely<LeaseSchema>
  readonly #log: Logger
  readonly #now: () => number
  readonly #seen = new Map<string, { generation: number; since: number }>()
  readonly #lost = new Set<() => void>()
  readonly #turns = new Map<string, Promise<void>>()
  readonly #stopped = new AbortController()
  #renewedAt = -Infinity
  #renewing: Promise<void> | undefined

  constructor(db: Kysely<LeaseSchema>, options: LeaseOptions) {
    this.#db = db
    this.#log = options.log
    this.ttlMs = options.ttlMs ?? defaultTtlMs
    this.#now = options.now ?? (() => performance.now())
    this.owner = options.owner ?? nameProcess()
  }

  /**
   * Takes the process's own lease and keeps it until `stop`. While the database takes no writes, as on a full disk, it is
   * not held; the process serves readers meanwhile.
   */
  async start(): Promise<void> {
    try {
      await this.#renew()
    } catch (error) {
      if (!isDatabaseDown(error)) throw error
      this.#log.warn({ err: error }, 'the lease of this process cannot be taken yet')
    }
    this.#renewing = this.#keepRenewing()
  }

  /** Gives up everything that this process holds: others need not wait for it. Without a database they have to. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#renewing
    this.#renewedAt = -Infinity
    await this.#db
      .deleteFrom('leases')
      .where('owner', '=', this.owner)
      .execute()
      .catch((error: unknown) => this.#log.warn({ err: error }, 'the leases of this process could not be given up'))
  }

  /** Renews nothing more and leaves what it holds to whoever finds it dead. */
  abandon(): void {
    this.#stopped.abort()
  }

  /** True while nobody may take this process for dead. */
  isHeld(): boolean {
    return this.#now() - this.#renewedAt < this.ttlMs
  }

  /** Tells when the process can no longer be sure of what it owns; the returned function ends that. */
  onLost(listener: () => void): () => void {
    this.#lost.add(listener)
    return () => void this.#lost.delete(listener)
  }

  /**
   * Whether the process of that name may still be working. The first question about a process on another machine
   * answers true; the answer turns when its lease has not moved for `ttlMs` since.
   */
  async isAlive(owner: string): Promise<boolean> {
    if (owner === this.owner) return true
    const name = processPrefix + owner
    const row = await this.#db.selectFrom('leases').select('generation').where('name', '=', name).executeTakeFirst()
    const isOver = row === undefined || isProvedDead(owner) || this.#standsStill(name, Number(row.generation))
    if (!isOver) return true
    this.#seen.delete(name)
    // Its death is told to all: without the row nobody waits for it again.
    if (row)
      await this.#db.deleteFrom('leases').where('name', '=', name).where('generation', '=', row.generation).execute()
    return false
  }

  /** Takes what nobody alive holds. True when it is, or already was, this process's. */
  async acquire(name: string): Promise<boolean> {
    const row = await this.#db.selectFrom('leases').selectAll().where('name', '=', name).executeTakeFirst()
    if (!row) return this.#insert(name)
    if (row.owner === this.owner) return true
    if (await this.isAlive(row.owner)) return false
    const taken = await this.#db
      .updateTable('leases')
      .set({ owner: this.owner, generation: Number(row.generation) + 1 })
      .where('name', '=', name)
      .where('owner', '=', row.owner)
      .where('generation', '=', row.generation)
      .executeTakeFirst()
    return taken.numUpdatedRows > 0n
  }

  /** Gives one lease up; it is no error when it is another's by now. */
  async release(name: string): Promise<void> {
    await this.#db.deleteFrom('leases').where('name', '=', name).where('owner', '=', this.owner).execute()
  }

  /** Whether somebody alive, this process included, holds it. */
  async isTaken(name: string): Promise<boolean> {
    const row = await this.#db.selectFrom('leases').select('owner').where('name', '=', name).executeTakeFirst()
    return row !== undefined && this.isAlive(row.owner)
  }

  /** Runs `work` while no other caller, of any process, is in work of that name; callers of one process keep their order. */
  async exclusively<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(name)
    const { promise: turn, resolve: end } = Promise.withResolvers<void>()
    this.#turns.set(name, turn)
    await before
    try {
      for (let pause = 20; !(await this.acquire(name)); pause = Math.min(pause * 2, 1000)) await sleep(pause)
      return await work()
    } finally {
      if (this.#turns.get(name) === turn) {
        this.#turns.delete(name)
        await this.release(name)
      }
      end()
    }
  }

  #standsStill(name: string, generation: number): boolean {
    const seen = this.#seen.get(name)
    if (seen?.generation === generation) return this.#now() - seen.since >= this.ttlMs
    this.#seen.set(name, { generation, since: this.#now() })
    return false
  }

  async #insert(name: string): Promise<boolean> {
    try {
      await this.#db.insertInto('leases').values({ name, owner: this.owner, generation: 1 }).execute()
      return true
    } catch (error) {
      if (isDuplicate(error)) return false
      throw error
    }
  }

  async #renew(): Promise<void> {
    // The time before the question: the answer may come late.
    const asked = this.#now()
    const name = processPrefix + this.owner
    const renewed = await this.#db
      .updateTable('leases')
      .set((column) => ({ generation: column('generation', '+', 1) }))
      .where('name', '=', name)
      .executeTakeFirst()
    if (renewed.numUpdatedRows === 0n) await this.#insert(name)
    this.#renewedAt = asked
  }

  async #keepRenewing(): Promise<void> {
    const { signal } = this.#stopped
    let wasHeld = this.isHeld()
    while (!signal.aborted) {
      await sleep(this.ttlMs / 5, undefined, { ref: false, signal }).catch(() => undefined)
      if (signal.aborted) return
      // Looked at before renewing: a process that was suspended finds out here.
      wasHeld = this.#tellLoss(wasHeld)
      await this.#renew().catch((error: unknown) => this.#log.warn({ err: error }, 'the lease could not be renewed'))
      wasHeld = this.#tellLoss(wasHeld) || this.isHeld()
    }
  }

  #tellLoss(wasHeld: boolean): boolean {
    const isHeld = this.isHeld()
    if (wasHeld && !isHeld) {
      this.#log.warn({}, 'the lease of this process ran out: what it was doing stops until it is renewed')
      for (const listener of this.#lost) listener()
    }
    return isHeld
  }
}
