/**
 * Durable operations: named steps, each with do and undo, recorded in the service's database. After a crash `resume`
 * goes on where the record ends: a step that was cut runs again, so every step is idempotent. A failed or cancelled
 * saga undoes its steps in reverse and ends in `failed(...)`. While the database is away a saga waits: nothing that it
 * did or found out could be kept.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import { isDatabaseDown, type Database, type Db } from '../db/database.ts'
import type { Logger } from '../log/log.ts'
import { forget, keep as save, type Progress, type SagaSchema } from './records.ts'
import { recordEvents, type TimelineEvent } from './timeline.ts'

/** What a step gets besides its data. */
export interface StepContext {
  readonly resourceId: string
  readonly requestId: string | null
  /** Aborted when the saga is cancelled: waiting steps end with it. */
  readonly signal: AbortSignal
  /** A line for the resource's timeline, kept with the end of the step. */
  note(what: string, detail?: string): void
}

export interface Step<Data, Deps> {
  readonly name: string
  /** Changes the world; what it returns is merged into the data and recorded. */
  run(data: Data, deps: Deps, context: StepContext): Promise<Partial<Data> | void>
  /** Takes back what `run` did, whole or in part; also called for the step that failed. */
  undo?(data: Data, deps: Deps, context: StepContext): Promise<void>
}

export interface SagaKind<Data, Deps> {
  readonly kind: string
  readonly steps: readonly Step<Data, Deps>[]
  /**
   * The end of the last step: what is written in `tx` and the end of the saga are one. Only database work; with it a
   * crash never finds all steps done and the saga unfinished.
   */
  complete?(tx: Db<SagaSchema>, data: Data, deps: Deps, context: StepContext): Promise<void>
  /** After all steps. */
  done?(data: Data, deps: Deps, context: StepContext): Promise<void>
  /** After everything is undone: set the resource to ERROR with the reason. */
  failed?(data: Data, deps: Deps, error: Error, context: StepContext): Promise<void>
}

/** The saga was told to stop because its resource is being deleted. */
export class SagaCancelled extends Error {
  constructor() {
    super('the operation was cancelled')
  }
}

interface Running {
  resourceId: string
  abort: AbortController
  finished: Promise<void>
}

interface Record_ {
  id: string
  kind: string
  resourceId: string
  requestId: string | null
  state: 'running' | 'unwinding'
  step: number
  data: object
  error: string | null
}

/** Runs the sagas of one service. */
export class SagaRunner<Deps> {
  readonly #db: Kysely<SagaSchema>
  /** For the progress: a step that was done and is not on record after a power cut runs again, as after a crash. */
  readonly #relaxed: Kysely<SagaSchema>
  readonly #log: Logger
  readonly #kinds = new Map<string, SagaKind<never, Deps>>()
  readonly #running = new Map<string, Running>()
  #deps: Deps | undefined
  readonly #stopped = new AbortController()

  constructor(
    { db, relaxed }: Pick<Database<SagaSchema>, 'db' | 'relaxed'>,
    log: Logger,
    kinds: readonly SagaKind<never, Deps>[],
  ) {
    this.#db = db
    this.#relaxed = relaxed
    this.#log = log
    for (const kind of kinds) this.#kinds.set(kind.kind, kind)
  }

  /** Gives the steps their dependencies and goes on with every saga that an earlier process left. */
  async resume(deps: Deps): Promise<number> {
    this.#deps = deps
    const rows = await this.#db.selectFrom('sagas').selectAll().orderBy('created_at').execute()
    for (const row of rows) {
      this.#launch({
        id: row.id,
        kind: row.kind,
        resourceId: row.resource_id,
        requestId: row.request_id,
        state: row.state,
        step: Number(row.step),
        data: JSON.parse(row.data) as object,
        error: row.error,
      })
    }
    return rows.length
  }

  /**
   * Records a saga in `tx`, the transaction that also writes the resource. Call the returned function after the commit
   * to set it going; if the process dies in between, `resume` does.
   */
  async create<Data extends object>(
    tx: Db<SagaSchema>,
    kind: string,
    input: { resourceId: string; requestId: string | null; data: Data },
  ): Promise<() => void> {
    const { resourceId, requestId, data } = input
    const id = randomUUID()
    await tx
      .insertInto('sagas')
      .values({
        id,
        kind,
        resource_id: resourceId,
        request_id: requestId,
        state: 'running',
        step: 0,
        data: JSON.stringify(data),
        error: null,
        created_at: Date.now(),
      })
      .execute()
    return () => this.#launch({ id, kind, resourceId, requestId, state: 'running', step: 0, data, error: null })
  }

  /** Records and starts a saga whose resource exists already. */
  async start<Data extends object>(kind: string, input: { resourceId: string; requestId: string | null; data: Data }) {
    const go = await this.create(this.#db, kind, input)
    go()
  }

  /** Stops what runs for a resource, undoes it and waits until that is over. */
  async cancel(resourceId: string): Promise<void> {
    const mine = [...this.#running.values()].filter((each) => each.resourceId === resourceId)
    for (const each of mine) each.abort.abort(new SagaCancelled())
    await Promise.all(mine.map((each) => each.finished))
  }

  /** True while a saga of this resource runs here. */
  isBusy(resourceId: string): boolean {
    return [...this.#running.values()].some((each) => each.resourceId === resourceId)
  }

  /** Waits until everything that runs has ended. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all([...this.#running.values()].map((each) => each.finished))
  }

  /** Leaves running sagas to the next start: their record says where they are. */
  stop() {
    this.#stopped.abort()
    for (const each of this.#running.values()) each.abort.abort(new SagaCancelled())
  }

  #launch(record: Record_) {
    if (this.#running.has(record.id)) return
    const abort = new AbortController()
    const finished = this.#run(record, abort.signal)
      .catch((error: unknown) => this.#log.error({ err: error, saga: record.id, kind: record.kind }, 'saga stopped'))
      .finally(() => this.#running.delete(record.id))
    this.#running.set(record.id, { resourceId: record.resourceId, abort, finished })
  }

  async #run(record: Record_, signal: AbortSignal): Promise<void> {
    const kind = this.#kinds.get(record.kind)
    const deps = this.#deps
    if (!kind || !deps) throw new Error(`no saga kind '${record.kind}' is registered, or resume() was not called`)
    const { resourceId, requestId } = record
    let notes: TimelineEvent[] = []
    const note = (what: string, detail?: string) =>
      void notes.push({ resourceId, requestId, at: Date.now(), what, outcome: 'info', detail })
    const context: StepContext = { resourceId, requestId, signal, note }
    const keep: Keep = async (at, outcome, what, started) => {
      const line = { resourceId, requestId, at: started, outcome, durationMs: Date.now() - started, detail: at.error }
      const lines = what === undefined ? [...notes] : [...notes, { ...line, what }]
      await this.#insist(() => this.#relaxed.transaction().execute((tx) => save(tx, record.id, at, lines)), 'recording')
      notes = []
    }
    let { step, state } = record
    let data = record.data
    let error = record.error === null ? undefined : new Error(record.error)
    while (state === 'running' && step < kind.steps.length) {
      const current = kind.steps[step]!
      const started = Date.now()
      try {
        signal.throwIfAborted()
        const found = await this.#outlast(() => current.run(data as never, deps, context), signal)
        data = { ...data, ...(found as object | undefined) }
        step++
        if (step === kind.steps.length && kind.complete) {
          const line = { resourceId, requestId, at: started, what: current.name, outcome: 'done' as const }
          const lines = [...notes, { ...line, durationMs: Date.now() - started }]
          await this.#insist(() => this.#complete(kind, record.id, data, deps, context, lines), 'completing')
          return
        }
        await keep({ state, step, data }, 'done', current.name, started)
      } catch (cause) {
        if (this.#stopped.signal.aborted) return
        const reason = cause instanceof Error ? cause : new Error(String(cause))
        error = reason
        state = 'unwinding'
        await keep({ state, step, data, error: reason.message }, 'failed', current.name, started)
      }
    }
    if (state === 'unwinding')
      await this.#unwind(kind, deps, { step, data, error: error ?? new Error('unknown') }, context, keep)
    else await this.#insist(() => kind.done?.(data as never, deps, context) ?? Promise.resolve(), 'done')
    await this.#insist(() => forget(this.#relaxed, record.id), 'forgetting a saga')
  }

  /** The last step's lines, what the kind writes, and the end of the saga, in one transaction. */
  async #complete(
    kind: SagaKind<never, Deps>,
    id: string,
    data: object,
    deps: Deps,
    context: StepContext,
    lines: readonly TimelineEvent[],
  ) {
    await this.#db.transaction().execute(async (tx) => {
      await kind.complete!(tx, data as never, deps, context)
      await recordEvents(tx, lines)
      await forget(tx, id)
    })
    await kind.done?.(data as never, deps, context)
  }

  /** A step that the database did not serve runs again when it does; any other error is the step's. */
  async #outlast<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    for (let pause = 100; ; pause = Math.min(pause * 2, 5000)) {
      try {
        return await work()
      } catch (error) {
        if (signal.aborted || !isDatabaseDown(error)) throw error
        this.#log.warn({ err: error }, `the database does not answer, trying again in ${pause} ms`)
        await this.#pause(pause)
      }
    }
  }

  /** Over at once when the process stops. */
  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { ref: false, signal: this.#stopped.signal }).catch(() => undefined)
  }

  async #unwind(
    kind: SagaKind<never, Deps>,
    deps: Deps,
    at: { step: number; data: object; error: Error },
    context: StepContext,
    keep: Keep,
  ): Promise<void> {
    // Undo must not be cut short by the cancel that asked for it.
    const calm = { ...context, signal: new AbortController().signal }
    for (let step = Math.min(at.step, kind.steps.length - 1); step >= 0; step--) {
      const current = kind.steps[step]!
      const started = Date.now()
      await this.#insist(
        () => current.undo?.(at.data as never, deps, calm) ?? Promise.resolve(),
        `undo ${current.name}`,
      )
      const now = { state: 'unwinding', step: step - 1, data: at.data } as const
      await keep(now, 'done', current.undo && `undo ${current.name}`, started)
    }
    await this.#insist(() => kind.failed?.(at.data as never, deps, at.error, calm) ?? Promise.resolve(), 'failed')
  }

  /** What must be is tried again, with growing pauses, until it works or the process stops. */
  async #insist<T>(work: () => Promise<T>, what: string): Promise<T> {
    for (let pause = 100; ; pause = Math.min(pause * 2, 30_000)) {
      try {
        return await work()
      } catch (error) {
        if (this.#stopped.signal.aborted) throw error
        this.#log.warn({ err: error }, `${what} failed, trying again in ${pause} ms`)
        await this.#pause(pause)
      }
    }
  }
}

/** Keeps where the saga is and what is to be told of it; without `what` only the notes. */
type Keep = (at: Progress, outcome: 'done' | 'failed', what: string | undefined, started: number) => Promise<void>
