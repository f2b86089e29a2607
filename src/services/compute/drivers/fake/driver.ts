import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { Journal } from '../../../../host/journal.ts'
import type { DesiredServer, HostReport } from '../../rpc/conductor.ts'
import { DriverError, type ComputeDriver, type Guest, type Note, type Power } from '../driver.ts'

export interface FakeOptions {
  host: string
  stateDir: string
  vcpus?: number
  memoryMb?: number
  diskGb?: number
  /** Milliseconds that starting a guest takes. */
  bootMs?: number
}

type Step = 'prepare' | 'boot' | 'updatePorts' | 'shutDown' | 'reboot' | 'destroy'

/**
 * A hypervisor without guests, for tests and for people who try clients: it keeps its state over restarts, fails on
 * demand and can be told that a guest died.
 */
export class FakeDriver implements ComputeDriver {
  readonly name = 'fake'
  readonly #options: FakeOptions
  readonly #guests: Journal<{ power: Power; name: string }>
  readonly #failures: { step: Step; message: string }[] = []
  readonly #listeners: ((id: string) => void)[] = []

  constructor(options: FakeOptions) {
    this.#options = options
    this.#guests = new Journal(join(options.stateDir, 'guests.jsonl'))
  }

  async start() {}

  async stop() {
    this.#guests.flush()
  }

  async describeHost(): Promise<HostReport> {
    const { host, vcpus = 1000, memoryMb = 800_000, diskGb = 600_000 } = this.#options
    return {
      hypervisorType: 'fake',
      hypervisorVersion: 1000,
      hypervisorHostname: host,
      hostIp: '127.0.0.1',
      vcpus,
      memoryMb,
      diskGb,
      runningGuests: [...this.#guests.entries()].filter(([, guest]) => guest.power === 'running').length,
      cpuInfo: '{}',
      architecture: 'x86_64',
      traits: [],
    }
  }

  async listGuests(): Promise<Guest[]> {
    return [...this.#guests.entries()].map(([id, { power }]) => ({ id, power }))
  }

  async findGuest(id: string): Promise<Guest | undefined> {
    const guest = this.#guests.get(id)
    return guest && { id, power: guest.power }
  }

  async listDisks() {
    return []
  }

  async prepare(server: DesiredServer) {
    this.#failIfAsked('prepare')
    if (server.isBuilt && !this.#guests.has(server.id))
      throw new DriverError('The disk of the server is not on its host.', `no fake guest ${server.id}`)
    if (!this.#guests.has(server.id)) this.#set(server.id, 'shutdown', server.name)
  }

  async boot(server: DesiredServer, note: Note) {
    this.#failIfAsked('boot')
    const started = Date.now()
    const { bootMs = 0 } = this.#options
    if (bootMs > 0) await new Promise((resolve) => setTimeout(resolve, bootMs))
    this.#set(server.id, 'running', server.name)
    note('start guest', started)
  }

  async updatePorts() {
    this.#failIfAsked('updatePorts')
  }

  async shutDown(id: string) {
    this.#failIfAsked('shutDown')
    this.#change(id, 'shutdown')
  }

  async pause(id: string) {
    this.#refuseStopped(id)
    this.#change(id, 'paused')
  }

  async unpause(id: string) {
    this.#refuseStopped(id)
    this.#change(id, 'running')
  }

  async reboot(server: DesiredServer) {
    this.#failIfAsked('reboot')
    this.#set(server.id, 'running', server.name)
  }

  async destroy(id: string) {
    this.#failIfAsked('destroy')
    this.#guests.delete(id)
  }

  async hostUptime() {
    return null
  }

  async consoleOutput(id: string, lines: number | null) {
    if (!this.#guests.has(id)) throw new DriverError('The server has no console yet.', `no fake guest ${id}`)
    const text = ['FAKE CONSOLE OUTPUT', 'ANOTHER', 'LAST LINE']
    return lines === null ? text.join('\n') : text.slice(-lines || text.length).join('\n')
  }

  /** Greets as a VNC server and repeats what it hears. */
  async openVnc(id: string) {
    this.#refuseStopped(id)
    const screen = new PassThrough()
    screen.write('RFB 003.008\n')
    return screen
  }

  onChange(listener: (id: string) => void) {
    this.#listeners.push(listener)
  }

  /** Makes the next call of `step` fail with this message. */
  failNext(step: Step, message = 'the fake driver was told to fail') {
    this.#failures.push({ step, message })
  }

  /** As if the guest had powered itself off. */
  powerOff(id: string) {
    this.#change(id, 'shutdown')
    for (const listener of this.#listeners) listener(id)
  }

  #failIfAsked(step: Step) {
    const at = this.#failures.findIndex((failure) => failure.step === step)
    if (at < 0) return
    const [failure] = this.#failures.splice(at, 1)
    throw new DriverError('The hypervisor could not do it.', failure!.message)
  }

  #refuseStopped(id: string) {
    if (this.#guests.get(id)?.power === 'shutdown') throw new DriverError('The server is not running.', `guest ${id}`)
  }

  #change(id: string, power: Power) {
    const guest = this.#guests.get(id)
    if (!guest) throw new DriverError('The server is not on its host.', `no fake guest ${id}`)
    this.#set(id, power, guest.name)
  }

  #set(id: string, power: Power, name: string) {
    this.#guests.set(id, { power, name })
  }
}
