/** One saga under way in this process. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isDatabaseDown, type Db } from '../db/database.ts'
import type { Logger } from '../log/log.ts'
import { SagaAbandoned, SagaCancelled, type AnySaga, type StepContext } from './kind.ts'
import { deleteSaga, saveProgress, type Claim, type Progress, type SagaRecord, type SagaSchema } from './records.ts'
import { recordEvents, type TimelineEvent } from './timeline.ts'
import type { Kysely } from 'kysely'

/** What an execution works with. */
export interface ExecutionEnv<Deps> {
  db: Kysely<SagaSchema>
  /** For the progress: a step that was done and is not on record after a power cut runs again, as after a crash. */
  relaxed: Kysely<SagaSchema>
  log: Logger
  deps: Deps
  owner: string
}

const firstPauseMs = 100
const longestPauseMs = 30_000
/** The database comes back unannounced: a waiting step looks more often than a failing undo. */
const longestOutageMs = 5_000

export class Execution<Deps> {
  readonly kind: string
  readonly resourceId: string
  /** Never rejects. */
  readonly finished: Promise<void>
  readonly #env: ExecutionEnv<Deps>
  readonly #kind: AnySaga<Deps>
  readonly #claim: Claim
  readonly #requestId: string | null
  readonly #cancelled = new AbortController()
  readonly #abandoned = new AbortController()
  #notes: TimelineEvent[] = []

  constructor(env: ExecutionEnv<Deps>, kind: AnySaga<Deps>, record: SagaRecord) {
    this.#env = env
    this.#kind = kind
    this.kind = kind.kind
    this.#claim = { id: record.id, owner: env.owner }
    this.#requestId = record.requestId
    this.resourceId = record.resourceId
    this.finished = this.#run(record).catch((error: unknown) => {
      if (error instanceof SagaAbandoned || this.#abandoned.signal.aborted) return
      env.log.error({ err: error, saga: record.id, kind: record.kind }, 'saga stopped')
    })
  }

  /** Undoes what it did; an undo under way goes on. */
  cancel(): void {
    this.#cancelled.abort(new SagaCancelled())
  }

  /** Ends it where it is: its record stays for the next owner. */
  abandon(): void {
    this.#abandoned.abort(new SagaAbandoned())
  }

  async #run(record: SagaRecord): Promise<void> {
    const { steps } = this.#kind
    let { data, step } = record
    if (record.state === 'unwinding') return this.#unwind(step, data, new Error(record.error ?? 'unknown'))
    const context = this.#contextOf(AbortSignal.any([this.#cancelled.signal, this.#abandoned.signal]))
    while (step < steps.length) {
      const current = steps[step]!
      const startedAt = Date.now()
      try {
        context.signal.throwIfAborted()
        const found = await this.#retryWithoutDatabase(
          () => current.run(data as never, this.#env.deps, context),
          context.signal,
        )
        data = { ...data, ...found }
      } catch (cause) {
        this.#abandoned.signal.throwIfAborted()
        const error = cause instanceof Error ? cause : new Error(String(cause))
        const line = this.#line(current.name, 'failed', startedAt, error.message)
        await this.#record({ state: 'unwinding', step, data, error: error.message }, line)
        return this.#unwind(step, data, error)
      }
      step++
      const line = this.#line(current.name, 'done', startedAt)
      if (step === steps.length && this.#kind.complete) return this.#complete(data, context, line)
      await this.#record({ state: 'running', step, data }, line)
    }
    await this.#retry(async () => this.#kind.done?.(data as never, this.#env.deps, context), 'done')
    await this.#end()
  }

  async #unwind(from: number, data: object, error: Error): Promise<void> {
    const { deps } = this.#env
    // Undo must not be cut short by the cancel that asked for it.
    const context = this.#contextOf(this.#abandoned.signal)
    for (let step = Math.min(from, this.#kind.steps.length - 1); step >= 0; step--) {
      const current = this.#kind.steps[step]!
      const startedAt = Date.now()
      await this.#retry(async () => current.undo?.(data as never, deps, context), `undo ${current.name}`)
      const line = current.undo && this.#line(`undo ${current.name}`, 'done', startedAt)
      await this.#record({ state: 'unwinding', step: step - 1, data }, line)
    }
    await this.#retry(async () => this.#kind.failed?.(data as never, deps, error, context), 'failed')
    await this.#end()
  }

  /** The last step's lines, what the kind writes, and the end of the saga, in one transaction. */
  async #complete(data: object, context: StepContext, line: TimelineEvent): Promise<void> {
    const { db, deps } = this.#env
    const lines = [...this.#notes, line]
    const write = (tx: Db<SagaSchema>) => this.#kind.complete!(tx, data as never, deps, context)
    await this.#retry(
      () =>
        db.transaction().execute(async (tx) => {
          await deleteSaga(tx, this.#claim)
          await write(tx)
          await recordEvents(tx, lines)
        }),
      'completing',
    )
    await this.#retry(async () => this.#kind.done?.(data as never, deps, context), 'done')
  }

  async #record(at: Progress, line: TimelineEvent | undefined): Promise<void> {
    const lines = line ? [...this.#notes, line] : [...this.#notes]
    const save = () => this.#env.relaxed.transaction().execute((tx) => saveProgress(tx, this.#claim, at, lines))
    await this.#retry(save, 'recording')
    this.#notes = []
  }

  #end(): Promise<void> {
    return this.#retry(() => deleteSaga(this.#env.relaxed, this.#claim), 'forgetting a saga')
  }

  #contextOf(signal: AbortSignal): StepContext {
    const { resourceId } = this
    const requestId = this.#requestId
    return {
      resourceId,
      requestId,
      signal,
      note: (what, detail) =>
        void this.#notes.push({ resourceId, requestId, at: Date.now(), what, outcome: 'info', detail }),
    }
  }

  #line(what: string, outcome: 'done' | 'failed', startedAt: number, detail?: string): TimelineEvent {
    const { resourceId } = this
    return {
      resourceId,
      requestId: this.#requestId,
      at: startedAt,
      what,
      outcome,
      durationMs: Date.now() - startedAt,
      detail,
    }
  }

  /** A step that the database did not serve runs again when it does; any other error is the step's. */
  async #retryWithoutDatabase<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    for (let pause = firstPauseMs; ; pause = Math.min(pause * 2, longestOutageMs)) {
      try {
        return await work()
      } catch (error) {
        if (signal.aborted || !isDatabaseDown(error)) throw error
        this.#env.log.warn({ err: error }, `the database does not answer, trying again in ${pause} ms`)
        await this.#pause(pause)
      }
    }
  }

  /** What must be is tried again, with growing pauses, until it works or the saga is abandoned. */
  async #retry<T>(work: () => Promise<T>, what: string): Promise<T> {
    for (let pause = firstPauseMs; ; pause = Math.min(pause * 2, longestPauseMs)) {
      try {
        return await work()
      } catch (error) {
        if (error instanceof SagaAbandoned) throw error
        this.#abandoned.signal.throwIfAborted()
        this.#env.log.warn({ err: error }, `${what} failed, trying again in ${pause} ms`)
        await this.#pause(pause)
      }
    }
  }

  /** Over at once when the saga is abandoned. */
  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { ref: false, signal: this.#abandoned.signal }).catch(() => undefined)
  }
}
