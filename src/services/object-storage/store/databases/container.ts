/** The database of a container: the names of its objects, and what is known of it. */
import type { DatabaseSync } from 'node:sqlite'
import { decodeTimes, encodeTimes, type Timestamp } from '../../model/timestamp.ts'
import { Broker, creationTime, timeOr } from './broker.ts'
import { list, type Listed, type ListingOptions } from './listing.ts'
import { containerSchema } from './schema.ts'

/** What an object's server tells of it. */
export interface ObjectRow {
  name: string
  /** Up to three moments in one text. */
  created_at: string
  size: number
  content_type: string
  etag: string
  deleted: 0 | 1
  storage_policy_index: number
  /** Where the type or the metadata were written later. */
  typeTime?: Timestamp | undefined
  metaTime?: Timestamp | undefined
}

export interface ContainerInfo {
  readonly account: string
  readonly container: string
  readonly created_at: Timestamp
  readonly put_timestamp: Timestamp
  readonly delete_timestamp: Timestamp
  readonly status_changed_at: Timestamp
  readonly object_count: number
  readonly bytes_used: number
  readonly reported_put_timestamp: Timestamp
  readonly reported_delete_timestamp: Timestamp
  readonly reported_object_count: number
  readonly reported_bytes_used: number
  readonly hash: string
  readonly id: string
  readonly storage_policy_index: number
}

export interface ListedObject {
  name: string
  time: Timestamp
  size: number
  type: string
  etag: string
}

export class ContainerBroker extends Broker<ObjectRow> {
  override readonly kind = 'container'
  readonly #account: string
  readonly #container: string
  #policy = 0

  constructor(file: string, account: string, container: string) {
    super(file)
    this.#account = account
    this.#container = container
  }

  protected override get schema(): string {
    return containerSchema
  }

  initialize(putTime: Timestamp, policy: number): boolean {
    this.#policy = policy
    return this.create(putTime)
  }

  protected override describe(database: DatabaseSync, id: string, putTime: Timestamp): void {
    database.prepare('INSERT INTO policy_stat (storage_policy_index) VALUES (?)').run(this.#policy)
    database
      .prepare(
        `INSERT INTO container_info (account, container, created_at, id, put_timestamp, status_changed_at, storage_policy_index)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(this.#account, this.#container, creationTime(), id, putTime, putTime, this.#policy)
  }

  get info(): ContainerInfo {
    this.flush()
    const row = this.one<ContainerInfo>('SELECT * FROM container_stat')
    if (!row) throw new Error(`${this.file} describes no container`)
    return row
  }

  get isDeleted(): boolean {
    return !this.exists || isDeletedBy(this.info)
  }

  get isEmpty(): boolean {
    this.flush()
    return !this.one<{ most: number }>('SELECT max(object_count) AS most FROM policy_stat')?.most
  }

  putObject(row: ObjectRow): Promise<void> {
    return this.enqueue(row)
  }

  setPolicy(policy: number, time: Timestamp): void {
    this.run('UPDATE container_stat SET storage_policy_index = ?, status_changed_at = ?', policy, time)
  }

  /** Notes what the account has been told. */
  reported({ put_timestamp, delete_timestamp, object_count, bytes_used }: ContainerInfo): void {
    this.run(
      `UPDATE container_stat SET reported_put_timestamp = ?, reported_delete_timestamp = ?, reported_object_count = ?,
       reported_bytes_used = ?`,
      put_timestamp,
      delete_timestamp,
      object_count,
      bytes_used,
    )
  }

  list(options: ListingOptions & { policy: number }): Listed<ListedObject>[] {
    this.flush()
    return list<ListedObject>(options, ({ from, isFromIncluded, below, isReverse, limit }) => {
      const rows = this.all<ObjectRow>(
        `SELECT name, created_at, size, content_type, etag FROM object
         WHERE deleted = 0 AND name ${isFromIncluded ? '>=' : '>'} ? ${below === undefined ? '' : 'AND name < ?'}
         AND storage_policy_index = ? ORDER BY name ${isReverse ? 'DESC' : ''} LIMIT ?`,
        from,
        ...(below === undefined ? [] : [below]),
        options.policy,
        limit,
      )
      return rows.map((row) => ({
        name: row.name,
        time: decodeTimes(row.created_at)[2],
        size: row.size,
        type: row.content_type,
        etag: row.etag,
      }))
    })
  }

  protected override rowOf(tuple: readonly unknown[]): ObjectRow {
    const [name, time, size, type, etag, deleted, policy, typeTime, metaTime] = tuple
    const optional = (value: unknown) => (typeof value === 'string' ? value : undefined)
    return {
      name: String(name),
      created_at: String(time),
      size: Number(size),
      content_type: String(type),
      etag: String(etag),
      deleted: deleted ? 1 : 0,
      storage_policy_index: Number(policy ?? 0),
      typeTime: optional(typeTime),
      metaTime: optional(metaTime),
    }
  }

  protected override merge(rows: readonly ObjectRow[]): void {
    for (const row of rows) {
      const known = this.one<ObjectRow>(
        `SELECT name, created_at, size, content_type, etag, deleted, storage_policy_index FROM object
         WHERE deleted IN (0, 1) AND name = ? AND storage_policy_index = ?`,
        row.name,
        row.storage_policy_index,
      )
      const merged = mergeRows(row, known)
      if (!merged) continue
      if (known)
        this.run(
          'DELETE FROM object WHERE deleted IN (0, 1) AND name = ? AND storage_policy_index = ?',
          row.name,
          row.storage_policy_index,
        )
      this.run(
        `INSERT INTO object (name, created_at, size, content_type, etag, deleted, storage_policy_index)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
        merged.name,
        merged.created_at,
        merged.size,
        merged.content_type,
        merged.etag,
        merged.deleted,
        merged.storage_policy_index,
      )
    }
  }
}

export const isDeletedBy = ({ object_count, put_timestamp, delete_timestamp }: ContainerInfo): boolean =>
  !object_count && timeOr(delete_timestamp) > timeOr(put_timestamp)

/** What is known and what is new, each part from where it is newer; undefined where nothing is. */
export function mergeRows(row: ObjectRow, known: ObjectRow | undefined): ObjectRow | undefined {
  const [ownData, ownType, ownMeta] = decodeTimes(row.created_at)
  const typeTime = row.typeTime ?? ownType
  const metaTime = row.metaTime ?? (row.typeTime ? typeTime : ownMeta)
  if (!known) return { ...row, created_at: encodeTimes(ownData, typeTime, metaTime) }
  const [knownData, knownType, knownMeta] = decodeTimes(known.created_at)
  const isData = ownData > knownData
  const isType = typeTime > knownType
  const isMeta = metaTime > knownMeta
  if (!isData && !isType && !isMeta) return undefined
  const data = isData ? row : known
  const [bare] = splitSize((isType ? row : known).content_type)
  const [, bytes] = splitSize(data.content_type)
  return {
    ...row,
    size: data.size,
    etag: data.etag,
    deleted: data.deleted,
    content_type: bytes === undefined ? bare : `${bare};swift_bytes=${bytes}`,
    created_at: encodeTimes(isData ? ownData : knownData, isType ? typeTime : knownType, isMeta ? metaTime : knownMeta),
  }
}

/** A type without the size that is written into it for objects that are lists of segments. */
export function splitSize(type: string): [type: string, bytes: string | undefined] {
  const found = /^(.*?)\s*;\s*swift_bytes=(\d+)(.*)$/.exec(type)
  return found ? [`${found[1]}${found[3]}`, found[2]] : [type, undefined]
}
