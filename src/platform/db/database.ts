/**
 * One SQL face over SQLite (embedded) and MariaDB. Portable subset: no `returning`, no JSON columns (store text), ids
 * made in the program, compare-and-swap by affected rows, times as integers in milliseconds since the epoch.
 */
import { Kysely, type Dialect, type LogEvent, type Transaction } from 'kysely'
import { readFileSync } from 'node:fs'
import { createPool } from 'mysql2'
import { BoundedMysqlDialect } from './mysql.ts'
import { SqliteDialect, type SqliteOptions } from './sqlite.ts'

/** A database or an open transaction: store functions take either, so that operations compose them. */
export type { Transaction } from 'kysely'
export type Db<Schema> = Kysely<Schema> | Transaction<Schema>

export type Engine = 'sqlite' | 'mysql'

export interface Database<Schema> {
  readonly engine: Engine
  readonly db: Kysely<Schema>
  /**
   * As `db`, but a change is acknowledged before it is on the disk: for what is found out anew after a power cut. It is
   * there before whatever is written later.
   */
  readonly relaxed: Kysely<Schema>
  /**
   * Runs `work` in one write transaction; on SQLite writers queue, so never await anything but queries of `tx`
   * inside. Retries on deadlock and lock timeout, so `work` must be safe to repeat.
   */
  transaction<T>(work: (tx: Transaction<Schema>) => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** A connection URL that cannot be used; the message says what to do. */
export class DatabaseUrlError extends Error {}

export interface DatabaseOptions extends Partial<SqliteOptions> {
  onQuery?: (event: LogEvent) => void
}

/**
 * Opens the database of a service. `url` is SQLAlchemy's form, as the install guides write it:
 * `sqlite:////path/file.db` or `mysql+pymysql://user:password@host:port/name`.
 */
export function openDatabase<Schema>(
  url: string,
  { onQuery: log, isDurable = true, sync }: DatabaseOptions = {},
): Database<Schema> {
  if (url.startsWith('sqlite://')) {
    const file = url.slice('sqlite:///'.length) || ':memory:'
    const dialect = new SqliteDialect(file, { isDurable, ...(sync && { sync }) })
    const open = (each: Dialect) => new Kysely<Schema>({ dialect: each, ...(log && { log }) })
    return wrap('sqlite', open(dialect), open(dialect.relaxed()))
  }
  if (/^mysql(\+pymysql)?:\/\//.test(url)) {
    const parsed = new URL(url.replace(/^mysql(\+pymysql)?:/, 'mysql:'))
    const pool = createPool({
      host: parsed.hostname,
      port: Number(parsed.port || 3306),
      user: decodeURIComponent(parsed.username),
      password: decodeURIComponent(parsed.password),
      database: parsed.pathname.slice(1),
      charset: 'utf8mb4_bin',
      connectionLimit: 16,
      connectTimeout: 10_000,
      ...tlsOf(parsed.searchParams),
    })
    pool.on('connection', (connection) => {
      // Repeatable read takes gap locks, which turn parallel inserts into deadlocks.
      connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED')
    })
    return wrap('mysql', new Kysely<Schema>({ dialect: new BoundedMysqlDialect({ pool }), ...(log && { log }) }))
  }
  throw new DatabaseUrlError(
    `[database] connection: '${url.split(':')[0]}' is no known engine, use sqlite:// or mysql+pymysql://`,
  )
}

/**
 * `?ssl_ca=/path` encrypts the connection and checks certificate and name of the server. Throws on options that this
 * program does not know: one that asks for protection must not be overheard.
 */
function tlsOf(options: URLSearchParams): { ssl?: object } {
  const { ssl_ca: ca, ssl_cert: cert, ssl_key: key, charset: _charset, ...unknown } = Object.fromEntries(options)
  const names = Object.keys(unknown)
  if (names.length > 0)
    throw new DatabaseUrlError(
      `[database] connection: option ${names.join(', ')} is not known; there are ssl_ca, ssl_cert, ssl_key and charset`,
    )
  if (ca === undefined && cert === undefined && key === undefined) return {}
  const read = (file: string) => {
    try {
      return readFileSync(file, 'utf8')
    } catch (cause) {
      throw new DatabaseUrlError(`[database] connection: ${file} cannot be read`, { cause })
    }
  }
  if (ca === undefined) throw new DatabaseUrlError('[database] connection: ssl_cert and ssl_key need ssl_ca')
  return {
    ssl: {
      ca: read(ca),
      ...(cert !== undefined && { cert: read(cert) }),
      ...(key !== undefined && { key: read(key) }),
      minVersion: 'TLSv1.2',
      rejectUnauthorized: true,
      verifyIdentity: true,
    },
  }
}

function wrap<Schema>(engine: Engine, db: Kysely<Schema>, relaxed = db): Database<Schema> {
  return {
    engine,
    db,
    relaxed,
    async transaction(work) {
      for (let attempt = 1; ; attempt++) {
        try {
          return await db.transaction().execute(work)
        } catch (error) {
          if (attempt >= 5 || !isTransient(error)) throw error
          await new Promise((resolve) => setTimeout(resolve, attempt * 20))
        }
      }
    },
    close: () => db.destroy(),
  }
}

/** Deadlock or lock timeout: the same transaction may work a moment later. A busy SQLite file was waited for already. */
const isTransient = (error: unknown): boolean => {
  const { code } = error as { code?: string }
  return code === 'ER_LOCK_DEADLOCK' || code === 'ER_LOCK_WAIT_TIMEOUT'
}

const downCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'EPIPE',
  'PROTOCOL_CONNECTION_LOST',
  'ER_CON_COUNT_ERROR',
  'ER_SERVER_SHUTDOWN',
  'ER_LOCK_WAIT_TIMEOUT',
])
/** Busy, locked, read only, I/O error, damaged, full, cannot open, not a database. */
const downCodesOfSqlite = new Set([5, 6, 8, 10, 11, 13, 14, 26])

/** True when the database, not the query, is to blame: it is gone, locked, full or damaged. */
export const isDatabaseDown = (error: unknown): boolean => {
  const { code, errcode, fatal } = error as { code?: string; errcode?: number; fatal?: boolean }
  if (code === 'ERR_SQLITE_ERROR') return errcode !== undefined && downCodesOfSqlite.has(errcode & 0xff)
  return code !== undefined && downCodes.has(code) && (fatal !== undefined || code.startsWith('ER_'))
}

/** True when `error` says that a unique key exists already. */
export const isDuplicate = (error: unknown): boolean => {
  const { code, errcode } = error as { code?: string; errcode?: number }
  return code === 'ER_DUP_ENTRY' || errcode === 1555 || errcode === 2067
}
