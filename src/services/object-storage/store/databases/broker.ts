/** A database of an account or a container: what both have in common. */
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { unpickle, UnpicklingError } from '../../model/pickle/reader.ts'
import { Tuple } from '../../model/pickle/values.ts'
import { now, zero, type Timestamp } from '../../model/timestamp.ts'

/** The file is no database, or a damaged one; it has been put aside. */
export class DatabaseDamaged extends Error {}

/** A value of metadata and when it was written; empty where it was removed. */
export type StoredMetadata = Record<string, readonly [value: string, time: Timestamp]>

/** Sums over all names of a database, which two replicas compare. */
function chexor(old: unknown, name: unknown, time: unknown): string {
  const added = createHash('md5')
    .update(`${String(name)}-${String(time)}`)
    .digest('hex')
  return (BigInt(`0x${String(old)}`) ^ BigInt(`0x${added}`)).toString(16).padStart(32, '0')
}

/** Other processes write too, and hold a database for as long as a transaction takes. */
const busyMs = 5000

export abstract class Broker<Row> {
  readonly file: string
  abstract readonly kind: 'account' | 'container'
  #open: DatabaseSync | undefined
  #queue: { row: Row; resolve(): void; reject(error: unknown): void }[] = []

  constructor(file: string) {
    this.file = file
  }

  get exists(): boolean {
    return existsSync(this.file)
  }

  protected abstract merge(rows: readonly Row[]): void
  protected abstract rowOf(tuple: readonly unknown[]): Row
  protected abstract get schema(): string
  /** Writes the row that says what the database is. */
  protected abstract describe(database: DatabaseSync, id: string, putTime: Timestamp): void

  /** Makes the database; false where somebody else has done it meanwhile. */
  protected create(putTime: Timestamp): boolean {
    const folder = dirname(this.file)
    mkdirSync(folder, { recursive: true })
    const draft = join(folder, `${randomBytes(6).toString('hex')}.tmp`)
    const database = new DatabaseSync(draft)
    try {
      database.exec('PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY')
      database.function('chexor', { deterministic: true }, chexor)
      database.exec(this.schema)
      this.describe(database, `${randomUUID()}-${basename(join(folder, '../../../..'))}`, putTime)
    } finally {
      database.close()
    }
    syncFile(draft)
    if (this.exists) {
      rmSync(draft)
      return false
    }
    renameSync(draft, this.file)
    syncFile(folder)
    return true
  }

  protected get database(): DatabaseSync {
    if (this.#open) return this.#open
    return this.#guarded(() => {
      const database = new DatabaseSync(this.file)
      database.exec(
        `PRAGMA busy_timeout = ${busyMs}; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY; PRAGMA journal_mode = DELETE`,
      )
      database.function('chexor', { deterministic: true }, chexor)
      this.#open = database
      this.#takePending()
      return database
    })
  }

  /** What SQLite says of a damaged file puts it aside. */
  #guarded<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      if (!/malformed|not a database|disk I\/O error/.test((error as Error).message)) throw error
      this.#quarantine()
      throw new DatabaseDamaged(`${this.file} is damaged: ${(error as Error).message}`, { cause: error })
    }
  }

  #quarantine() {
    this.#release()
    const folder = dirname(this.file)
    const target = join(folder, '../../../../quarantined', `${this.kind}s`)
    mkdirSync(target, { recursive: true })
    const path = join(target, basename(folder))
    renameSync(folder, existsSync(path) ? `${path}-${randomBytes(16).toString('hex')}` : path)
  }

  /** What upstream's servers have written beside the database and not yet into it. */
  #takePending() {
    const file = `${this.file}.pending`
    if (!existsSync(file)) return
    const rows = readFileSync(file, 'latin1')
      .split(':')
      .flatMap((entry) => this.#pendingRow(entry))
    if (rows.length === 0) return
    this.transaction(() => this.merge(rows))
    truncateSync(file)
  }

  #pendingRow(entry: string): Row[] {
    if (entry === '') return []
    try {
      const tuple = unpickle(Buffer.from(entry, 'base64'))
      return tuple instanceof Tuple ? [this.rowOf(tuple.items)] : []
    } catch (error) {
      // A line that was cut while it was written was never acknowledged.
      if (error instanceof UnpicklingError) return []
      throw error
    }
  }

  protected all<T>(sql: string, ...values: SQLInputValue[]): T[] {
    return this.#guarded(() => this.database.prepare(sql).all(...values) as T[])
  }

  protected one<T>(sql: string, ...values: SQLInputValue[]): T | undefined {
    return this.#guarded(() => this.database.prepare(sql).get(...values) as T | undefined)
  }

  protected run(sql: string, ...values: SQLInputValue[]): void {
    this.#guarded(() => this.database.prepare(sql).run(...values))
  }

  protected transaction<T>(work: () => T): T {
    const { database } = this
    return this.#guarded(() => {
      database.exec('BEGIN IMMEDIATE')
      try {
        const result = work()
        database.exec('COMMIT')
        return result
      } catch (error) {
        if (database.isTransaction) database.exec('ROLLBACK')
        throw error
      }
    })
  }

  /** Resolves when the row is on the disk; rows that come together are written together. */
  protected enqueue(row: Row): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#queue.length === 0) setImmediate(() => this.flush())
      this.#queue.push({ row, resolve, reject })
    })
  }

  /** Writes what waits. */
  protected flush(): void {
    const waiting = this.#queue
    if (waiting.length === 0) return
    this.#queue = []
    try {
      this.transaction(() => this.merge(waiting.map(({ row }) => row)))
      for (const { resolve } of waiting) resolve()
    } catch (error) {
      for (const { reject } of waiting) reject(error)
    }
  }

  get metadata(): StoredMetadata {
    const text = this.one<{ metadata: string | null }>(`SELECT metadata FROM ${this.kind}_stat`)?.metadata
    return text ? (JSON.parse(text) as StoredMetadata) : {}
  }

  /** Takes what is newer; `check` may throw for what would come out. */
  updateMetadata(updates: StoredMetadata, check: (all: StoredMetadata) => void = () => undefined): void {
    if (Object.keys(updates).length === 0) return
    this.transaction(() => {
      const all = this.metadata
      for (const [name, update] of Object.entries(updates))
        if (!all[name] || update[1] > all[name][1]) all[name] = update
      check(all)
      this.run(`UPDATE ${this.kind}_stat SET metadata = ?`, JSON.stringify(all))
    })
  }

  updatePutTime(time: Timestamp): void {
    this.run(`UPDATE ${this.kind}_stat SET put_timestamp = ? WHERE put_timestamp < ?`, time, time)
  }

  updateStatusTime(time: Timestamp): void {
    this.run(`UPDATE ${this.kind}_stat SET status_changed_at = ? WHERE status_changed_at < ?`, time, time)
  }

  /** Marks all as deleted. */
  markDeleted(time: Timestamp): void {
    this.updateMetadata(Object.fromEntries(Object.keys(this.metadata).map((name) => [name, ['', time] as const])))
    this.run(
      `UPDATE ${this.kind}_stat SET delete_timestamp = ?, status = 'DELETED', status_changed_at = ? WHERE delete_timestamp < ?`,
      time,
      time,
      time,
    )
  }

  close(): void {
    this.flush()
    this.#release()
  }

  #release() {
    const database = this.#open
    this.#open = undefined
    database?.close()
  }
}

function syncFile(path: string) {
  const handle = openSync(path, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

export const timeOr = (value: unknown): Timestamp => (typeof value === 'string' && value !== '0' ? value : zero)
export const creationTime = now
