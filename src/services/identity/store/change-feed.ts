/**
 * Tells every process on the same database that something has changed that tokens or the catalog depend on. In this
 * process at once; in the others (another API, keystone-manage) within the time between two looks.
 */
import type { Database } from '../../../platform/db/database.ts'
import type { IdentitySchema } from './tables.ts'

const lookMs = 1000
/** Changes within this time are told together: one write for a burst of them. */
const gatherMs = 50

export class ChangeFeed {
  readonly #database: Database<IdentitySchema>
  readonly #forget: () => void
  #known = -1
  #timer: NodeJS.Timeout | undefined
  #telling: NodeJS.Timeout | undefined
  #last: Promise<unknown> = Promise.resolve()

  /** `forget` drops what this process keeps of the database. */
  constructor(database: Database<IdentitySchema>, forget: () => void) {
    this.#database = database
    this.#forget = forget
  }

  /** Something has changed in this process. */
  changed() {
    this.#forget()
    this.#telling ??= setTimeout(() => {
      this.#telling = undefined
      this.#last = this.#tell().catch(() => undefined)
    }, gatherMs).unref()
  }

  /** Begins to look for changes of other processes. */
  async start() {
    this.#known = await this.#count()
    this.#timer = setInterval(() => void this.#look().catch(() => undefined), lookMs).unref()
  }

  /** Tells what has not been told yet, and ends. */
  async stop() {
    clearInterval(this.#timer)
    if (this.#telling) {
      clearTimeout(this.#telling)
      this.#telling = undefined
      await this.#tell()
    }
    await this.#last
  }

  async #look() {
    const count = await this.#count()
    if (count === this.#known) return
    this.#known = count
    this.#forget()
  }

  /** Adds one; what this process adds it does not take for another's. */
  async #tell() {
    const { db } = this.#database
    const result = await db
      .updateTable('changes')
      .set((row) => ({ count: row('count', '+', 1) }))
      .where('id', '=', 1)
      .executeTakeFirst()
    if (result.numUpdatedRows === 0n) await db.insertInto('changes').values({ id: 1, count: 1 }).execute()
    if (this.#known >= 0) this.#known++
  }

  async #count(): Promise<number> {
    const row = await this.#database.db.selectFrom('changes').select('count').where('id', '=', 1).executeTakeFirst()
    return Number(row?.count ?? 0)
  }
}
