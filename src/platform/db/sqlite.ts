/**
 * Kysely's dialect for `node:sqlite`: one connection that writes and one that reads. Writers queue behind a mutex, so
 * a transaction never sees another one's statements; readers see the last commit and never wait.
 *
 * A commit is acknowledged when the log is on the disk. SQLite itself would wait for that (`synchronous = full`) with the
 * whole program; here it commits without (`normal`, where a power cut costs no more than the last commits), and the log is
 * synced beside the event loop, once for all that wait. Others may read what is about to be there: what they then write comes
 * later in the log, so it is never on the disk without the earlier.
 */
import { open, type FileHandle } from 'node:fs/promises'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import {
  SqliteAdapter,
  SqliteIntrospector,
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  type QueryResult,
} from 'kysely'
import { GroupSync } from './group-sync.ts'
import { ListQueryCompiler } from './sqlite-compiler.ts'
import { StatementCache } from './statement-cache.ts'

export interface SqliteOptions {
  /** Whether a commit waits for the disk. */
  isDurable: boolean
  /** How the log is brought there, for tests. */
  sync?: (log: FileHandle) => Promise<void>
}

export class SqliteDialect implements Dialect {
  readonly #driver: SqliteDriver

  constructor(file: string, options: SqliteOptions) {
    this.#driver = new SqliteDriver(file, options)
  }

  /** The same connections, for changes that need not be on the disk before they are acknowledged. */
  relaxed(): Dialect {
    const { createAdapter, createQueryCompiler, createIntrospector } = this
    return { createAdapter, createQueryCompiler, createIntrospector, createDriver: () => this.#driver.relaxed() }
  }

  createAdapter = () => new ConcurrentAdapter()
  createDriver = (): Driver => this.#driver
  createQueryCompiler = () => new ListQueryCompiler()
  createIntrospector = (db: Kysely<unknown>) => new SqliteIntrospector(db)
}

/** Kysely would take one connection at a time; here the writer queues by itself and readers never wait. */
class ConcurrentAdapter extends SqliteAdapter {
  override get supportsMultipleConnections() {
    return true
  }
}

/** The file is its owner's alone, and so are its journals, which SQLite makes with the mode of the file. */
function keepPrivate(file: string) {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  closeSync(openSync(file, 'a', 0o600))
  for (const each of [file, `${file}-wal`, `${file}-shm`].filter((name) => existsSync(name))) {
    const { mode, uid } = statSync(each)
    if ((mode & 0o077) !== 0 && uid === process.getuid?.()) chmodSync(each, 0o600)
  }
}

class SqliteDriver implements Driver {
  readonly #file: string
  #writer!: Handle
  #reader!: Handle
  #tail: Promise<void> = Promise.resolve()
  readonly #options: SqliteOptions
  #ready: Promise<void> | undefined
  #log: FileHandle | undefined
  readonly #durable = new GroupSync(() => this.#syncLog())

  constructor(file: string, options: SqliteOptions) {
    this.#file = file
    this.#options = options
  }

  init(): Promise<void> {
    this.#ready ??= this.#open()
    return this.#ready
  }

  async #open() {
    if (this.#file !== ':memory:') keepPrivate(this.#file)
    this.#writer = new Handle(this.#file, false)
    this.#reader = this.#file === ':memory:' ? this.#writer : new Handle(this.#file, true)
  }

  /** Waits for the writer; the returned function gives it back. */
  async lockWriter(): Promise<() => void> {
    const before = this.#tail
    let release!: () => void
    this.#tail = new Promise((resolve) => (release = resolve))
    await before
    return release
  }

  /** Resolves when all that was committed before the call survives a power cut. */
  durable(): Promise<void> {
    return this.#options.isDurable && this.#writer.hasLog ? this.#durable.wait() : Promise.resolve()
  }

  async #syncLog() {
    try {
      this.#log ??= await open(`${this.#file}-wal`)
      await (this.#options.sync ?? ((log) => log.datasync()))(this.#log)
    } catch (cause) {
      throw Object.assign(new Error('the log of the database cannot be brought to the disk', { cause }), ioError)
    }
  }

  get writer() {
    return this.#writer
  }

  get reader() {
    return this.#reader
  }

  /** This driver for others, whose commits do not wait; it is closed by its owner. */
  relaxed(): Driver {
    const { beginTransaction, commitTransaction, rollbackTransaction, releaseConnection } = this
    const acquireConnection = async () => new Connection(this, false)
    const shared = { beginTransaction, commitTransaction, rollbackTransaction, releaseConnection, acquireConnection }
    return { ...shared, init: () => this.init(), destroy: async () => {} }
  }

  acquireConnection = async (): Promise<DatabaseConnection> => new Connection(this, true)
  beginTransaction = async (connection: DatabaseConnection) => (connection as Connection).begin()
  commitTransaction = async (connection: DatabaseConnection) => (connection as Connection).end('commit')
  rollbackTransaction = async (connection: DatabaseConnection) => (connection as Connection).end('rollback')
  releaseConnection = async () => {}

  async destroy() {
    await this.durable().catch(() => undefined)
    await this.#log?.close()
    if (this.#reader !== this.#writer) this.#reader?.close()
    // The last one to close brings the log into the file, which only a writer can.
    this.#writer?.close()
  }
}

class Connection implements DatabaseConnection {
  readonly #driver: SqliteDriver
  #release: (() => void) | undefined
  /** Whether the open transaction has changed anything. */
  #hasWritten = false

  readonly #waits: boolean

  constructor(driver: SqliteDriver, waits: boolean) {
    this.#driver = driver
    this.#waits = waits
  }

  async begin() {
    this.#release = await this.#driver.lockWriter()
    this.#hasWritten = false
    try {
      await retryWhileBusy(() => this.#driver.writer.exec('begin immediate'))
    } catch (error) {
      this.#release()
      this.#release = undefined
      throw error
    }
  }

  async end(how: 'commit' | 'rollback') {
    // After a commit that could not be acknowledged comes a rollback: the writer is another's by then.
    if (!this.#release) return
    try {
      // A full disk ends a transaction by itself; the error that says so must not be hidden by another.
      if (how === 'commit' || this.#driver.writer.isInTransaction) this.#driver.writer.exec(how)
    } finally {
      this.#release()
      this.#release = undefined
    }
    if (how === 'commit' && this.#hasWritten && this.#waits) await this.#driver.durable()
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    if (this.#release) {
      const result = this.#driver.writer.run<R>(query)
      this.#hasWritten ||= hasWritten(query, result)
      return result
    }
    if (query.query.kind === 'SelectQueryNode' && this.#driver.reader !== this.#driver.writer) {
      return this.#driver.reader.run(query)
    }
    const release = await this.#driver.lockWriter()
    let result: QueryResult<R>
    try {
      result = await retryWhileBusy(() => this.#driver.writer.run<R>(query))
    } finally {
      release()
    }
    if (this.#waits && hasWritten(query, result)) await this.#driver.durable()
    return result
  }

  // oxlint-disable-next-line require-yield -- Kysely's interface wants a generator; nothing here streams rows.
  async *streamQuery(): AsyncIterableIterator<never> {
    throw new Error('SQLite rows are not streamed')
  }
}

/** SQLite's own words for a disk that failed. */
const ioError = { code: 'ERR_SQLITE_ERROR', errcode: 10 }

/** Rows that were changed are counted; of other statements than these that is not known. */
const counted = new Set(['InsertQueryNode', 'UpdateQueryNode', 'DeleteQueryNode'])

const hasWritten = ({ query }: CompiledQuery, { numAffectedRows }: QueryResult<unknown>): boolean =>
  numAffectedRows !== undefined && (numAffectedRows > 0n || !counted.has(query.kind))

/** Another program holds the file: `SQLITE_BUSY` and its extended codes. */
export const isBusy = (error: unknown): boolean => ((error as { errcode?: number }).errcode ?? 0) % 256 === 5
const busyMs = 5000

/**
 * Another program may hold the file (a second API, a backup, a shell): waits for it as long as SQLite's own timeout would,
 * but without stopping everything else in this process.
 */
async function retryWhileBusy<T>(work: () => T): Promise<T> {
  const deadline = performance.now() + busyMs
  for (let wait = 1; ; wait = Math.min(wait * 2, 20)) {
    try {
      return work()
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, wait))
    }
  }
}

/** Checkpoints wait for the disk, so they are seldom: every 16 MiB. */
const settings = 'pragma synchronous = normal; pragma wal_autocheckpoint = 4000'

/** A statement keeps what was bound to it last; longer texts are taken back from it. */
const longestKept = 4096

/** One SQLite connection with its prepared statements. */
class Handle {
  readonly #db: DatabaseSync
  readonly #statements: StatementCache
  /** Whether there is a write-ahead log: not in memory, and not on file systems without shared memory. */
  readonly hasLog: boolean

  constructor(file: string, readOnly: boolean) {
    this.#db = new DatabaseSync(file, { readOnly, enableForeignKeyConstraints: true, timeout: busyMs })
    this.#statements = new StatementCache(this.#db)
    this.hasLog = !readOnly && this.#db.prepare('pragma journal_mode = wal').get()?.['journal_mode'] === 'wal'
    if (this.hasLog) this.#db.exec(settings)
    // Open now: from here on `retryWhileBusy` waits.
    this.#db.exec('pragma busy_timeout = 0')
  }

  exec(sql: string) {
    this.#statements.prepare(sql).statement.run()
  }

  get isInTransaction(): boolean {
    return this.#db.isTransaction
  }

  run<R>({ sql, parameters }: CompiledQuery): QueryResult<R> {
    const { statement, hasRows } = this.#statements.prepare(sql)
    const values = parameters.map((value) => (typeof value === 'boolean' ? Number(value) : value)) as SQLInputValue[]
    try {
      if (hasRows) return { rows: statement.all(...values) as R[] }
      const { changes, lastInsertRowid } = statement.run(...values)
      return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) }
    } finally {
      // Binds nothing and steps nowhere.
      if (values.some(isLong)) statement.iterate(...values.map(() => null)).return?.()
    }
  }

  close() {
    this.#statements.clear()
    this.#db.close()
  }
}

const isLong = (value: SQLInputValue): boolean =>
  typeof value === 'string' ? value.length > longestKept : ArrayBuffer.isView(value) && value.byteLength > longestKept
