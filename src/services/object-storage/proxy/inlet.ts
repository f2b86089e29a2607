/** A body that several servers are sent: each has one of these, and all go as fast as the slowest. */
import { Readable } from 'node:stream'

export class Inlet extends Readable {
  #isWanted = false
  #wake: (() => void) | undefined
  readonly #first: Promise<void>
  #onFirst!: () => void

  constructor() {
    super({ highWaterMark: 0 })
    this.#first = new Promise((resolve) => (this.#onFirst = resolve))
    this.once('close', () => this.#resume())
    // Its reader tells what went wrong by its answer.
    this.on('error', () => undefined)
  }

  /** Resolves when somebody begins to read. */
  get wanted(): Promise<void> {
    return this.#first
  }

  override _read() {
    this.#onFirst()
    this.#isWanted = true
    this.#resume()
  }

  #resume() {
    this.#wake?.()
    this.#wake = undefined
  }

  /** Resolves when it was taken, or nobody reads any more. */
  async feed(chunk: Uint8Array | null): Promise<void> {
    while (!this.#isWanted && !this.destroyed) await new Promise<void>((resolve) => (this.#wake = resolve))
    if (this.destroyed) return
    this.#isWanted = false
    // The source gives the memory of its chunk back.
    this.push(chunk === null ? null : Buffer.from(chunk))
  }
}
