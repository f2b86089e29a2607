/**
 * Tells when interfaces come, change or go. It is a hint to look, not a record: after `restart` anything may have
 * happened, and one event may stand for several changes.
 */
import { EventEmitter } from 'node:events'
import { LineMonitor } from './line-monitor.ts'
import { netnsName } from './safe-text.ts'

export type LinkEvent = { name: string; index: number; isRemoved: boolean }
type Events = { link: [LinkEvent]; restart: []; error: [Error] }

export class LinkMonitor extends EventEmitter<Events> {
  readonly #lines: LineMonitor

  constructor({ netns }: { netns?: string } = {}) {
    super()
    const inNetns = netns === undefined ? [] : ['-n', netnsName(netns)]
    this.#lines = new LineMonitor(['ip', ...inNetns, '-o', 'monitor', 'link'])
    this.#lines.on('line', (line) => {
      const event = parseMonitorLine(line)
      if (event) this.emit('link', event)
    })
    this.#lines.on('restart', () => this.emit('restart'))
    this.#lines.on('error', (error) => this.listenerCount('error') > 0 && this.emit('error', error))
  }

  /** Resolves when it listens: changes after that are reported. */
  start(): Promise<void> {
    return this.#lines.start()
  }

  close(): void {
    this.#lines.close()
  }
}

/** `Deleted 7: tap1: <...>` or `7: vx1@NONE: <...>`. */
export function parseMonitorLine(line: string): LinkEvent | undefined {
  const [, deleted, index, name] = /^(Deleted )?(\d+): ([^:@\s]+)[@:]/.exec(line) ?? []
  return name === undefined ? undefined : { name, index: Number(index), isRemoved: deleted !== undefined }
}
