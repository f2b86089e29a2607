import { connectQmp, type QmpClient } from '../../../../host/qmp.ts'
import type { Power } from '../driver.ts'

const told = new Set(['SHUTDOWN', 'STOP', 'RESUME'])
/** QEMU answers within milliseconds, on a crowded host within a second; one that does not is hung. */
const answerMs = 5000

/** One QMP connection for each running guest; what they tell is passed on at once. */
export class Monitors {
  readonly #clients = new Map<string, QmpClient>()
  readonly #connecting = new Map<string, Promise<QmpClient>>()
  readonly #changed: (id: string) => void
  constructor(changed: (id: string) => void) {
    this.#changed = changed
  }

  async connect(id: string, socket: string): Promise<QmpClient> {
    const known = this.#clients.get(id)
    if (known?.isConnected) return known
    // QEMU speaks with one client at a time: a second connection would wait for the end of the first.
    let connecting = this.#connecting.get(id)
    if (!connecting) {
      connecting = this.#open(id, socket).finally(() => this.#connecting.delete(id))
      this.#connecting.set(id, connecting)
    }
    return await connecting
  }

  async #open(id: string, socket: string): Promise<QmpClient> {
    const client = await connectQmp(socket, { timeoutMs: answerMs })
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
    const { status } = (await client.execute('query-status', {}, { timeoutMs: answerMs })) as { status: string }
    if (status === 'shutdown') return 'shutdown'
    // QEMU stops a guest whose disk's file system is full.
    return status === 'paused' || status === 'io-error' ? 'paused' : 'running'
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
