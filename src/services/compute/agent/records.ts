import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** What the agent has done for a server: a guest that powered itself off is told from one that was never started. */
export interface Applied {
  /** Revision of the wish that was carried out, or that failed. */
  revision: number
  rebootGeneration: number
  error: { message: string; detail: string; isEverywhere?: boolean } | null
}

const retryMs = 2000

/**
 * The agent's memory over restarts, in one file, replaced in one step. A disk that is full does not fail the work that
 * was done: the file is written as soon as that is possible.
 */
export class Records {
  readonly #file: string
  readonly #delayMs: number
  readonly #records = new Map<string, Applied>()
  #timer: NodeJS.Timeout | undefined

  /** `delayMs` gathers writes (fake hosts with thousands of servers); 0 writes at once. */
  constructor(file: string, delayMs: number) {
    this.#file = file
    this.#delayMs = delayMs
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    if (existsSync(file)) {
      for (const [id, record] of JSON.parse(readFileSync(file, 'utf8')) as [string, Applied][])
        this.#records.set(id, record)
    }
  }

  get(id: string): Applied | undefined {
    return this.#records.get(id)
  }

  set(id: string, record: Applied) {
    this.#records.set(id, record)
    this.#saveSoon()
  }

  delete(id: string) {
    if (this.#records.delete(id)) this.#saveSoon()
  }

  /** Writes what is waiting. */
  flush() {
    if (this.#timer) this.#save()
  }

  #saveSoon() {
    if (this.#delayMs === 0) this.#save()
    else this.#timer ??= setTimeout(() => this.#save(), this.#delayMs).unref()
  }

  #save() {
    clearTimeout(this.#timer)
    this.#timer = undefined
    try {
      writeFileSync(`${this.#file}.new`, JSON.stringify([...this.#records]), { mode: 0o600 })
      renameSync(`${this.#file}.new`, this.#file)
    } catch {
      this.#timer = setTimeout(() => this.#save(), retryMs).unref()
    }
  }
}
