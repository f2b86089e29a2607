/**
 * Kysely's dialect for `node:sqlite`: one connection that writes and one that reads. Writers queue behind a mutex, so
 * a transaction never sees another one's statements; readers see the last commit and never wait.
 */
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
import { ListQueryCompiler } from './sqlite-compiler.ts'
import { StatementCache } from './statement-cache.ts'

export class SqliteDialect implements Dialect {
  readonly #file: string

  constructor(file: string) {
    this.#file = file
  }

  createAdapter = () => new ConcurrentAdapter()
  createDriver = () => new SqliteDriver(this.#file)
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

  constructor(file: string) {
    this.#file = file
  }

  async init() {
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

  get writer() {
    return this.#writer
  }

  get reader() {
    return this.#reader
  }

  acquireConnection = async () => new Connection(this)
  beginTransaction = async (connection: Connection) => connection.begin()
  commitTransaction = async (connection: Connection) => connection.end('commit')
  rollbackTransaction = async (connection: Connection) => connection.end('rollback')
  releaseConnection = async () => {}

  async destroy() {
    if (this.#reader !== this.#writer) this.#reader?.close()
    // The last one to close brings the log into the file, which only a writer can.
    this.#writer?.close()
  }
}

class Connection implements DatabaseConnection {
  readonly #driver: SqliteDriver
  #release: (() => void) | undefined

  constructor(driver: SqliteDriver) {
    this.#driver = driver
  }

  async begin() {
    this.#release = await this.#driver.lockWriter()
    try {
      await patiently(() => this.#driver.writer.exec('begin immediate'))
    } catch (error) {
      this.#release()
      this.#release = undefined
      throw error
    }
  }

  async end(how: 'commit' | 'rollback') {
    try {
      // A full disk ends a transaction by itself; the error that says so must not be hidden by another.
      if (how === 'commit' || this.#driver.writer.isInTransaction) this.#driver.writer.exec(how)
    } finally {
      this.#release?.()
      this.#release = undefined
    }
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    if (this.#release) return this.#driver.writer.run(query)
    if (query.query.kind === 'SelectQueryNode' && this.#driver.reader !== this.#driver.writer) {
      return this.#driver.reader.run(query)
    }
    const release = await this.#driver.lockWriter()
    try {
      return await patiently(() => this.#driver.writer.run<R>(query))
    } finally {
      release()
    }
  }

  // oxlint-disable-next-line require-yield -- Kysely's interface wants a generator; nothing here streams rows.
  async *streamQuery(): AsyncIterableIterator<never> {
    throw new Error('SQLite rows are not streamed')
  }
}

/** Another program holds the file: `SQLITE_BUSY` and its extended codes. */
export const isBusy = (error: unknown): boolean => ((error as { errcode?: number }).errcode ?? 0) % 256 === 5
const busyMs = 5000

/**
 * Another program may hold the file (a second API, a backup, a shell): waits for it as long as SQLite's own timeout would,
 * but without stopping everything else in this process.
 */
async function patiently<T>(work: () => T): Promise<T> {
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
const settings = 'pragma journal_mode = wal; pragma synchronous = normal; pragma wal_autocheckpoint = 4000'

/** A statement keeps what was bound to it last; longer texts are taken back from it. */
const longestKept = 4096

/** One SQLite connection with its prepared statements. */
class Handle {
  readonly #db: DatabaseSync
  readonly #statements: StatementCache

  constructor(file: string, readOnly: boolean) {
    this.#db = new DatabaseSync(file, { readOnly, enableForeignKeyConstraints: true, timeout: busyMs })
    this.#statements = new StatementCache(this.#db)
    if (!readOnly) this.#db.exec(settings)
    // Open now: from here on `patiently` waits.
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
