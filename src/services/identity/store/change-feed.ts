import { isDuplicate, type Database, type Db } from '../../../platform/db/database.ts'
import type { IdentitySchema } from './tables.ts'

const lookMs = 1000
/** Changes within this time are told together: one write for a burst of them. */
const gatherMs = 50
/** What is kept is dropped so often in any case: a process may end after a change and before it has told it. */
const dropAnywayMs = 60_000

export interface FeedTimes {
  lookMs: number
  dropAnywayMs: number
}

/**
 * Tells every process on the same database that something has changed that tokens or the catalog depend on. In this
 * process at once; in the others (another API, keystone-manage) within the time between two looks.
 */
export class ChangeFeed {
  readonly #database: Database<IdentitySchema>
  readonly #forget: () => void
  readonly #times: FeedTimes
  #known = -1
  #droppedAt = performance.now()
  #timer: NodeJS.Timeout | undefined
  #telling: NodeJS.Timeout | undefined
  /** A change that is still to be told, also after a try that failed. */
  #isUntold = false
  #last: Promise<unknown> = Promise.resolve()

  /** `forget` drops what this process keeps of the database. */
  constructor(database: Database<IdentitySchema>, forget: () => void, times: FeedTimes = { lookMs, dropAnywayMs }) {
    this.#database = database
    this.#forget = forget
    this.#times = times
  }

  /** Something has changed in this process. */
  changed() {
    this.#forget()
    this.#isUntold = true
    this.#telling ??= setTimeout(() => {
      this.#telling = undefined
      this.#last = this.#tell().catch(() => undefined)
    }, gatherMs).unref()
  }

  /**
   * Begins to look for changes of other processes. The others are told of a change: this process may come in the place of
   * one that was killed before it told its last.
   */
  async start() {
    this.#known = await this.#count()
    this.changed()
    this.#timer = setInterval(() => void this.#look().catch(() => undefined), this.#times.lookMs).unref()
  }

  /** Tells what has not been told yet, and ends. */
  async stop() {
    clearInterval(this.#timer)
    clearTimeout(this.#telling)
    this.#telling = undefined
    await this.#last
    // What cannot be written now the others find out in their own time.
    await this.#tell().catch(() => undefined)
  }

  async #look() {
    const count = await this.#count()
    const isOld = performance.now() - this.#droppedAt > this.#times.dropAnywayMs
    if (count !== this.#known || isOld) {
      this.#known = count
      this.#droppedAt = performance.now()
      this.#forget()
    }
    // Where the database took no writes before.
    if (this.#telling === undefined) await this.#tell()
  }

  /** Adds one; what this process adds it does not take for another's. */
  async #tell() {
    if (!this.#isUntold) return
    this.#isUntold = false
    try {
      const count = await this.#database.transaction(async (tx) => {
        if (!(await raise(tx)) && !(await begin(tx))) await raise(tx)
        return this.#count(tx)
      })
      // Another value: somebody else has told something too, which the next look finds, or it has been looked already.
      if (this.#known === count - 1) this.#known = count
    } catch (error) {
      this.#isUntold = true
      throw error
    }
  }

  async #count(db: Db<IdentitySchema> = this.#database.db): Promise<number> {
    const row = await db.selectFrom('changes').select('count').where('id', '=', 1).executeTakeFirst()
    return Number(row?.count ?? 0)
  }
}

/** False while there is nothing to be raised. */
async function raise(tx: Db<IdentitySchema>): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('changes')
    .set((row) => ({ count: row('count', '+', 1) }))
    .where('id', '=', 1)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** False where another process did it first. */
async function begin(tx: Db<IdentitySchema>): Promise<boolean> {
  try {
    await tx.insertInto('changes').values({ id: 1, count: 1 }).execute()
    return true
  } catch (error) {
    if (isDuplicate(error)) return false
    throw error
  }
}
