import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** Builds of the first days kept the same pairs as one list, in `NAME.json`: what they knew is not forgotten. */
function linesOfFormerForm(file: string): string[] {
  const former = file.replace(/\.jsonl$/, '.json')
  if (former === file || !existsSync(former)) return []
  try {
    const pairs = JSON.parse(readFileSync(former, 'utf8')) as unknown
    return Array.isArray(pairs) ? pairs.map((pair) => JSON.stringify(pair)) : []
  } catch {
    return []
  }
}

const retryMs = 2000
const fewLines = 1000

/**
 * A map that outlives its process: one line in a file for each change, so that a change costs the same however much
 * there is. The file is written anew when it has become mostly history. A disk that is full fails nobody's work: the
 * file is written as soon as that is possible.
 */
export class Journal<Value> {
  readonly #file: string
  readonly #values = new Map<string, Value>()
  #lines = 0
  #timer: NodeJS.Timeout | undefined

  constructor(file: string) {
    this.#file = file
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
    for (const line of existsSync(file) ? text.split('\n') : linesOfFormerForm(file)) this.#read(line)
    this.#lines = this.#values.size
    // A start writes nothing that is there already: the disk may be full.
    if (text !== this.#text()) this.#rewrite()
  }

  get(id: string): Value | undefined {
    return this.#values.get(id)
  }

  has(id: string): boolean {
    return this.#values.has(id)
  }

  entries(): IterableIterator<[string, Value]> {
    return this.#values.entries()
  }

  set(id: string, value: Value): void {
    this.#values.set(id, value)
    this.#append([id, value])
  }

  delete(id: string): void {
    if (this.#values.delete(id)) this.#append([id])
  }

  /** Writes what a full disk kept back. */
  flush(): void {
    if (this.#timer) this.#rewrite()
  }

  /** The last line may be cut short by a crash. */
  #read(line: string) {
    try {
      const [id, value] = JSON.parse(line) as [string, Value?]
      if (value === undefined) this.#values.delete(id)
      else this.#values.set(id, value)
    } catch {
      // What was not written whole did not happen.
    }
  }

  #append(change: readonly unknown[]) {
    if (this.#timer) return
    if (++this.#lines > fewLines + 2 * this.#values.size) return this.#rewrite()
    try {
      appendFileSync(this.#file, `${JSON.stringify(change)}\n`, { mode: 0o600 })
    } catch {
      this.#later()
    }
  }

  #rewrite() {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#lines = this.#values.size
    try {
      writeFileSync(`${this.#file}.new`, this.#text(), { mode: 0o600 })
      renameSync(`${this.#file}.new`, this.#file)
    } catch {
      rmSync(`${this.#file}.new`, { force: true })
      this.#later()
    }
  }

  #text(): string {
    return [...this.#values].map((each) => `${JSON.stringify(each)}\n`).join('')
  }

  #later() {
    this.#timer = setTimeout(() => this.#rewrite(), retryMs).unref()
  }
}
