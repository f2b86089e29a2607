/**
 * Durable operations: named steps, each with do and undo, recorded in the service's database under the name of the
 * process that works on them. What a dead process leaves another adopts and goes on where the record ends: a step that
 * was cut runs again, so every step is idempotent. A failed or cancelled saga undoes its steps in reverse and ends in
 * `failed(...)`. While the database is away a saga waits: nothing that it did or found out could be kept.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import { waitFor } from '../../base/wait.ts'
import type { Database, Db } from '../db/database.ts'
import type { Leases } from '../db/lease.ts'
import type { Logger } from '../log/log.ts'
import { Execution } from './execution.ts'
import type { AnySaga, SagaKind } from './kind.ts'
import {
  cancelElsewhere,
  hasSaga,
  insertSaga,
  isAnyLeft,
  listOwners,
  takeSaga,
  type SagaRecord,
  type SagaSchema,
} from './records.ts'

/** Whose saga it is and what it needs to know. */
export interface SagaInput<Data> {
  resourceId: string
  requestId: string | null
  data: Data
}

export interface SagaEnv<Schema extends SagaSchema> {
  database: Database<Schema>
  leases: Leases
  log: Logger
  /** How often it looks for sagas of the dead and for those that are to be cancelled. */
  lookMs?: number
  /** Tells the processes that run sagas that there is a new one: for a process that records them and was not resumed. */
  handOver?: () => void
}

/** So long a commit may take to be acknowledged. */
const announcedMs = 60_000
/** A cancelled saga of another process has as long to undo itself as its owner needs. */
const cancelMs = 24 * 3600 * 1000

/** Records the sagas of a service, and once resumed runs those that belong to this process. */
export class SagaRunner<Deps, Schema extends SagaSchema = SagaSchema> {
  readonly #db: Kysely<SagaSchema>
  readonly #relaxed: Kysely<SagaSchema>
  readonly #leases: Leases
  readonly #log: Logger
  readonly #lookMs: number
  readonly #handOver: () => void
  readonly #kinds: ReadonlyMap<string, AnySaga<Deps>>
  readonly #running = new Map<string, Execution<Deps>>()
  /** Sagas that their creator is about to set going, since when: they can be seen before their commit is acknowledged. */
  readonly #announced = new Map<string, number>()
  readonly #stopped = new AbortController()
  #deps: Deps | undefined
  #watching: Promise<void> | undefined

  constructor(env: SagaEnv<Schema>, kinds: readonly AnySaga<Deps>[]) {
    this.#db = env.database.db as unknown as Kysely<SagaSchema>
    this.#relaxed = env.database.relaxed as unknown as Kysely<SagaSchema>
    this.#leases = env.leases
    this.#log = env.log
    this.#lookMs = env.lookMs ?? 1000
    this.#handOver = env.handOver ?? (() => undefined)
    this.#kinds = new Map(kinds.map((kind) => [kind.kind, kind]))
    env.leases.onLost(() => this.#abandonAll())
  }

  /** Gives the steps their dependencies and goes on with every saga that nobody alive owns, now and from now on. */
  async resume(deps: Deps): Promise<number> {
    this.#deps = deps
    const adopted = await this.#look()
    this.#watching = this.#watch()
    return adopted
  }

  /** Another process has recorded a saga that nobody owns yet. Does nothing where sagas are recorded only. */
  lookSoon(): void {
    if (this.#deps !== undefined)
      void this.#look().catch((error: unknown) => this.#log.debug({ err: error }, 'no look'))
  }

  /**
   * Records a saga in `tx`, the transaction that also writes the resource. Call the returned function after the commit
   * to set it going, here or in a process that runs sagas; if this process dies in between, the next owner does.
   */
  async create<Data extends object>(
    tx: Db<Schema>,
    { kind }: SagaKind<Data, Deps>,
    input: SagaInput<Data>,
  ): Promise<() => void> {
    const record: SagaRecord = { id: randomUUID(), kind, ...input, state: 'running', step: 0, error: null }
    if (this.#deps === undefined) {
      await insertSaga(tx as unknown as Db<SagaSchema>, record, '')
      return this.#handOver
    }
    this.#announced.set(record.id, performance.now())
    await insertSaga(tx as unknown as Db<SagaSchema>, record, this.#leases.owner)
    return () => {
      if (this.#announced.delete(record.id)) this.#launch(record)
    }
  }

  /** Records and starts a saga whose resource exists already. */
  async start<Data extends object>(kind: SagaKind<Data, Deps>, input: SagaInput<Data>): Promise<void> {
    const go = await this.create(this.#db as unknown as Db<Schema>, kind, input)
    go()
  }

  /**
   * Stops what runs for a resource in any process, undoes it and waits until that is over. Sagas of kind `except` go on:
   * that is who asks. When this process stops meanwhile, it returns: the wish is recorded.
   */
  async cancel(resourceId: string, except?: { kind: string }): Promise<void> {
    const mine = [...this.#running.values()].filter(
      (each) => each.resourceId === resourceId && each.kind !== except?.kind,
    )
    for (const each of mine) each.cancel()
    const others = await cancelElsewhere(this.#db, resourceId, { owner: this.#leases.owner, except: except?.kind })
    await Promise.all(mine.map((each) => each.finished))
    if (others.length === 0) return
    await waitFor(async () => !(await isAnyLeft(this.#db, others)), {
      what: `the end of the work on ${resourceId} in another process`,
      timeoutMs: cancelMs,
      intervalMs: 100,
      signal: this.#stopped.signal,
    }).catch((error: unknown) => {
      if (!this.#stopped.signal.aborted) throw error
    })
  }

  /** True while a saga of this resource runs anywhere. */
  isBusy(resourceId: string): Promise<boolean> {
    return hasSaga(this.#db, resourceId)
  }

  /** Waits until everything that runs here has ended. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all([...this.#running.values()].map((each) => each.finished))
    if (this.#stopped.signal.aborted) await this.#watching
  }

  /** Leaves running sagas to their next owner: their record says where they are. */
  stop(): void {
    this.#stopped.abort()
    this.#abandonAll()
  }

  #abandonAll(): void {
    for (const each of this.#running.values()) each.abandon()
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stopped
    for (;;) {
      await sleep(this.#lookMs, undefined, { ref: false, signal }).catch(() => undefined)
      if (signal.aborted) return
      // The database being away is told by those who need an answer of it.
      await this.#look().catch((error: unknown) => this.#log.debug({ err: error }, 'no look at the sagas'))
    }
  }

  /** Adopts what the dead left and ends what is to be cancelled; returns how many were adopted. */
  async #look(): Promise<number> {
    if (!this.#leases.isHeld()) return 0
    const { owner } = this.#leases
    let adopted = 0
    const alive = new Map<string, boolean>([['', false]])
    this.#forgetAnnounced()
    for (const row of await listOwners(this.#db)) {
      if (this.#stopped.signal.aborted) break
      if (this.#announced.has(row.id)) continue
      if (row.owner !== owner) {
        if (!alive.has(row.owner)) alive.set(row.owner, await this.#leases.isAlive(row.owner))
        if (alive.get(row.owner)) continue
      }
      if (!this.#running.has(row.id) && (await this.#adopt(row.id, row.owner))) adopted++
      if (row.is_cancelled === 1) this.#running.get(row.id)?.cancel()
    }
    return adopted
  }

  /** Who announced a saga and never set it going, as when its commit was in doubt, has lost it to whoever looks. */
  #forgetAnnounced(): void {
    for (const [id, since] of this.#announced) if (performance.now() - since > announcedMs) this.#announced.delete(id)
  }

  async #adopt(id: string, before: string): Promise<boolean> {
    const record = await takeSaga(this.#db, { id, owner: this.#leases.owner }, before)
    // A saga of our own that has begun or ended meanwhile is nobody's to adopt.
    if (!record || this.#running.has(id)) return false
    this.#log.info({ saga: id, kind: record.kind, before }, 'going on with the work of another process')
    this.#launch(record)
    return true
  }

  #launch(record: SagaRecord): void {
    if (this.#running.has(record.id) || this.#stopped.signal.aborted) return
    const kind = this.#kinds.get(record.kind)
    if (!kind || this.#deps === undefined) throw new Error(`no saga kind '${record.kind}' is registered`)
    const env = { db: this.#db, relaxed: this.#relaxed, log: this.#log, deps: this.#deps, owner: this.#leases.owner }
    const execution = new Execution(env, kind, record)
    this.#running.set(record.id, execution)
    void execution.finished.then(() => this.#running.delete(record.id))
  }
}
