import type { DatabaseSync, StatementSync } from 'node:sqlite'

export interface Prepared {
  readonly statement: StatementSync
  readonly hasRows: boolean
}

const mostStatements = 500
/** Characters of SQL in all; a prepared statement takes several times its text. */
const mostText = 1 << 20
/** One that is longer is not asked for again so soon. */
const longestText = 1 << 15

/** The prepared statements of one connection: those used last, bounded by their number and by the length of their texts. */
export class StatementCache {
  readonly #db: DatabaseSync
  readonly #statements = new Map<string, Prepared>()
  #text = 0

  constructor(db: DatabaseSync) {
    this.#db = db
  }

  prepare(sql: string): Prepared {
    const known = this.#statements.get(sql)
    if (known) {
      this.#statements.delete(sql)
      this.#statements.set(sql, known)
      return known
    }
    const statement = this.#db.prepare(sql)
    // Asked once: describing the columns takes longer than most queries.
    const prepared = { statement, hasRows: statement.columns().length > 0 }
    if (sql.length <= longestText) this.#keep(sql, prepared)
    return prepared
  }

  get size(): { statements: number; text: number } {
    return { statements: this.#statements.size, text: this.#text }
  }

  clear() {
    this.#statements.clear()
    this.#text = 0
  }

  #keep(sql: string, prepared: Prepared) {
    this.#statements.set(sql, prepared)
    this.#text += sql.length
    while (this.#statements.size > mostStatements || this.#text > mostText) {
      const oldest = this.#statements.keys().next().value!
      this.#statements.delete(oldest)
      this.#text -= oldest.length
    }
  }
}
