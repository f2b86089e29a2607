import { connectQmp, type QmpClient } from '../../../../host/qmp.ts'
import type { Power } from '../driver.ts'

const told = new Set(['SHUTDOWN', 'STOP', 'RESUME'])

/** One QMP connection for each running guest; what they tell is passed on at once. */
export class Monitors {
  readonly #clients = new Map<string, QmpClient>()
  readonly #changed: (id: string) => void
  constructor(changed: (id: string) => void) {
    this.#changed = changed
  }

  async connect(id: string, socket: string): Promise<QmpClient> {
    const known = this.#clients.get(id)
    if (known?.isConnected) return known
    const client = await connectQmp(socket)
    this.#clients.set(id, client)
    client.on('event', ({ name }) => told.has(name) && this.#changed(id))
    client.once('close', () => {
      if (this.#clients.get(id) !== client) return
      this.#clients.delete(id)
      this.#changed(id)
    })
    return client
  }

  async power(id: string, socket: string): Promise<Power> {
    const client = await this.connect(id, socket)
    const { status } = (await client.execute('query-status')) as { status: string }
    if (status === 'shutdown') return 'shutdown'
    return status === 'paused' ? 'paused' : 'running'
  }

  /** Forgets the connection without telling anyone. */
  drop(id: string): void {
    const client = this.#clients.get(id)
    this.#clients.delete(id)
    client?.close()
  }

  dropAll(): void {
    for (const id of this.#clients.keys()) this.drop(id)
  }
}
