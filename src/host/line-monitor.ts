/**
 * A program that goes on telling what happens, line by line. It is started again when it ends: after `restart` anything
 * may have happened.
 */
import { EventEmitter } from 'node:events'
import { createInterface } from 'node:readline'
import type { ChildProcess } from 'node:child_process'
import { spawnChild } from './command.ts'

type Events = { line: [string]; restart: []; error: [Error] }

const firstRestartDelayMs = 100
const longestRestartDelayMs = 10_000

export class LineMonitor extends EventEmitter<Events> {
  readonly #argv: readonly string[]
  #child: ChildProcess | undefined
  #timer: NodeJS.Timeout | undefined
  #restartDelayMs = firstRestartDelayMs
  #isClosed = false

  constructor(argv: readonly string[]) {
    super()
    this.#argv = argv
  }

  /** Resolves when the program runs. */
  async start(): Promise<void> {
    const child = await spawnChild(this.#argv)
    if (this.#isClosed) {
      child.kill()
      return
    }
    this.#child = child
    child.stderr?.resume()
    if (child.stdout) {
      createInterface({ input: child.stdout }).on('line', (line) => {
        this.#restartDelayMs = firstRestartDelayMs
        this.emit('line', line)
      })
    }
    child.once('close', () => this.#restartLater())
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#child?.kill()
  }

  #restartLater(): void {
    this.#child = undefined
    if (this.#isClosed) return
    this.#timer = setTimeout(() => {
      this.start().then(
        () => this.emit('restart'),
        (error: unknown) => {
          if (this.listenerCount('error') > 0) this.emit('error', error as Error)
          this.#restartLater()
        },
      )
    }, this.#restartDelayMs)
    this.#restartDelayMs = Math.min(this.#restartDelayMs * 2, longestRestartDelayMs)
  }
}
