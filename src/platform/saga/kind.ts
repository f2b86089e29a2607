/** What a saga is made of: named steps, each with do and undo. */
import type { Db } from '../db/database.ts'
import type { SagaSchema } from './records.ts'

/** What a step gets besides its data. */
export interface StepContext {
  readonly resourceId: string
  readonly requestId: string | null
  /** Aborted when the saga is cancelled or this process may no longer work on it: waiting steps end with it. */
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

interface AnyStep<Deps> {
  readonly name: string
  run(data: never, deps: Deps, context: StepContext): Promise<object | void>
  undo?(data: never, deps: Deps, context: StepContext): Promise<void>
}

/** A kind among others, its data known to itself only. */
export interface AnySaga<Deps> {
  readonly kind: string
  readonly steps: readonly AnyStep<Deps>[]
  complete?(tx: Db<SagaSchema>, data: never, deps: Deps, context: StepContext): Promise<void>
  done?(data: never, deps: Deps, context: StepContext): Promise<void>
  failed?(data: never, deps: Deps, error: Error, context: StepContext): Promise<void>
}

/** The saga was told to stop because its resource is being deleted. */
export class SagaCancelled extends Error {
  constructor() {
    super('the operation was cancelled')
  }
}

/** This process stops working on a saga and leaves it as its record says: it ends, or another process has it. */
export class SagaAbandoned extends Error {
  constructor() {
    super('another process goes on with the operation')
  }
}
