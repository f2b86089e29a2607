/** The database of an account: its containers with their numbers. */
import type { DatabaseSync } from 'node:sqlite'
import type { Timestamp } from '../../model/timestamp.ts'
import { Broker, creationTime, timeOr } from './broker.ts'
import { list, type Listed, type ListingOptions } from './listing.ts'
import { accountSchema } from './schema.ts'

export interface ContainerRow {
  name: string
  put_timestamp: Timestamp
  delete_timestamp: Timestamp
  object_count: number
  bytes_used: number
  storage_policy_index: number
}

export interface AccountInfo {
  readonly account: string
  readonly created_at: Timestamp
  readonly put_timestamp: Timestamp
  readonly delete_timestamp: Timestamp
  readonly status: string
  readonly container_count: number
  readonly object_count: number
  readonly bytes_used: number
}

export interface PolicyCounts {
  readonly storage_policy_index: number
  readonly container_count: number
  readonly object_count: number
  readonly bytes_used: number
}

const isGone = (row: ContainerRow) => !row.object_count && timeOr(row.delete_timestamp) > timeOr(row.put_timestamp)

export class AccountBroker extends Broker<ContainerRow> {
  override readonly kind = 'account'
  readonly #account: string

  constructor(file: string, account: string) {
    super(file)
    this.#account = account
  }

  protected override get schema(): string {
    return accountSchema
  }

  initialize(putTime: Timestamp): boolean {
    return this.create(putTime)
  }

  protected override describe(database: DatabaseSync, id: string, putTime: Timestamp): void {
    database
      .prepare(
        `INSERT INTO account_stat (container_count, account, created_at, id, put_timestamp, status_changed_at)
         VALUES (0, ?, ?, ?, ?, ?)`,
      )
      .run(this.#account, creationTime(), id, putTime, putTime)
  }

  get info(): AccountInfo {
    this.flush()
    const row = this.one<AccountInfo>('SELECT * FROM account_stat')
    if (!row) throw new Error(`${this.file} describes no account`)
    return row
  }

  get isDeleted(): boolean {
    if (!this.exists) return true
    const { status, container_count, put_timestamp, delete_timestamp } = this.info
    return status === 'DELETED' || (!container_count && timeOr(delete_timestamp) > timeOr(put_timestamp))
  }

  /** Whether somebody has deleted it on purpose. */
  get isMarkedDeleted(): boolean {
    if (!this.exists) return false
    const { status, put_timestamp, delete_timestamp } = this.info
    return status === 'DELETED' || timeOr(delete_timestamp) > timeOr(put_timestamp)
  }

  get policyCounts(): PolicyCounts[] {
    this.flush()
    return this.all<PolicyCounts>(
      'SELECT storage_policy_index, container_count, object_count, bytes_used FROM policy_stat',
    )
  }

  putContainer(row: ContainerRow): Promise<void> {
    return this.enqueue(row)
  }

  list(options: ListingOptions): Listed<ContainerRow>[] {
    this.flush()
    return list<ContainerRow>(options, ({ from, isFromIncluded, below, isReverse, limit }) =>
      this.all<ContainerRow>(
        `SELECT name, object_count, bytes_used, put_timestamp FROM container
         WHERE deleted = 0 AND name ${isFromIncluded ? '>=' : '>'} ? ${below === undefined ? '' : 'AND name < ?'}
         ORDER BY name ${isReverse ? 'DESC' : ''} LIMIT ?`,
        from,
        ...(below === undefined ? [] : [below]),
        limit,
      ),
    )
  }

  protected override rowOf(tuple: readonly unknown[]): ContainerRow {
    const [name, putTime, deleteTime, objects, bytes, , policy] = tuple
    return {
      name: String(name),
      put_timestamp: String(putTime),
      delete_timestamp: String(deleteTime),
      object_count: Number(objects),
      bytes_used: Number(bytes),
      storage_policy_index: Number(policy ?? 0),
    }
  }

  protected override merge(rows: readonly ContainerRow[]): void {
    for (const row of rows) {
      const known = this.one<ContainerRow>(
        'SELECT put_timestamp, delete_timestamp FROM container WHERE name = ? AND deleted IN (0, 1)',
        row.name,
      )
      const later = (a: Timestamp, b: Timestamp | undefined) => (timeOr(b) > timeOr(a) ? b! : a)
      const merged = {
        ...row,
        put_timestamp: later(row.put_timestamp, known?.put_timestamp),
        delete_timestamp: later(row.delete_timestamp, known?.delete_timestamp),
      }
      this.run('DELETE FROM container WHERE name = ? AND deleted IN (0, 1)', row.name)
      this.run(
        `INSERT INTO container (name, put_timestamp, delete_timestamp, object_count, bytes_used, deleted, storage_policy_index)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
        merged.name,
        merged.put_timestamp,
        merged.delete_timestamp,
        merged.object_count,
        merged.bytes_used,
        isGone(merged) ? 1 : 0,
        merged.storage_policy_index,
      )
    }
  }
}
