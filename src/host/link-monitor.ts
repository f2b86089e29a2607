/**
 * Tells when interfaces come, change or go. It is a hint to look, not a record: after `restart` anything may have
 * happened, and one event may stand for several changes.
 */
import { EventEmitter } from 'node:events'
import { createInterface } from 'node:readline'
import type { ChildProcess } from 'node:child_process'
import { spawnChild } from './command.ts'
import { netnsName } from './safe-text.ts'

export type LinkEvent = { name: string; index: number; isRemoved: boolean }
type Events = { link: [LinkEvent]; restart: []; error: [Error] }

const firstRestartDelayMs = 100
const longestRestartDelayMs = 10_000

export class LinkMonitor extends EventEmitter<Events> {
  readonly #netns: string | undefined
  #child: ChildProcess | undefined
  #timer: NodeJS.Timeout | undefined
  #restartDelayMs = firstRestartDelayMs
  #isClosed = false

  constructor({ netns }: { netns?: string } = {}) {
    super()
    this.#netns = netns
  }

  /** Resolves when it listens: changes after that are reported. */
  async start(): Promise<void> {
    const inNetns = this.#netns === undefined ? [] : ['-n', netnsName(this.#netns)]
    const child = await spawnChild(['ip', ...inNetns, '-o', 'monitor', 'link'])
    if (this.#isClosed) {
      child.kill()
      return
    }
    this.#child = child
    child.stderr?.resume()
    if (child.stdout) {
      createInterface({ input: child.stdout }).on('line', (line) => {
        this.#restartDelayMs = firstRestartDelayMs
        const event = parseMonitorLine(line)
        if (event) this.emit('link', event)
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

/** `Deleted 7: tap1: <...>` or `7: vx1@NONE: <...>`. */
export function parseMonitorLine(line: string): LinkEvent | undefined {
  const [, deleted, index, name] = /^(Deleted )?(\d+): ([^:@\s]+)[@:]/.exec(line) ?? []
  return name === undefined ? undefined : { name, index: Number(index), isRemoved: deleted !== undefined }
}
