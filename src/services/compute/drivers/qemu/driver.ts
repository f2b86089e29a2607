import { existsSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { CommandFailed } from '../../../../host/command.ts'
import { replaceFile } from '../../../../host/files.ts'
import { rememberedProbe } from '../../../../host/kvm.ts'
import { deleteLink, ensureTap } from '../../../../host/links.ts'
import { findGuest, findGuests, killGuest, startGuest } from '../../../../host/qemu.ts'
import { stopProcess } from '../../../../host/process.ts'
import type { Logger } from '../../../../platform/log/log.ts'
import type { DesiredServer, HostReport } from '../../rpc/conductor.ts'
import { DriverError, type ComputeDriver, type Guest, type Note } from '../driver.ts'
import { Disks } from './disks.ts'
import { guestFolder } from './folder.ts'
import { hostFacts } from './host-facts.ts'
import { Monitors } from './monitor.ts'
import { guestSpec } from './spec.ts'

export interface QemuOptions {
  host: string
  /** One folder for each guest, and `_base` for images. */
  stateDir: string
  log: Logger
  fetchImage: (id: string) => Promise<Readable>
  virtType?: 'auto' | 'kvm' | 'qemu'
  shutdownTimeoutS?: number
}

const idPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const maxConsoleBytes = 1024 * 1024
/** A guest that is still booting loses the first presses of its power button. */
const powerButtonMs = 3000

/** Guests as QEMU processes that do not depend on this one. */
export class QemuDriver implements ComputeDriver {
  readonly name = 'qemu'
  readonly #options: QemuOptions
  readonly #disks: Disks
  readonly #monitors: Monitors
  readonly #listeners: ((id: string) => void)[] = []
  readonly #kvm = rememberedProbe('kvm')

  constructor(options: QemuOptions) {
    this.#options = options
    this.#disks = new Disks(options.stateDir, options.fetchImage)
    this.#monitors = new Monitors((id) => this.#listeners.forEach((listener) => listener(id)))
  }

  async start() {
    const { stateDir, log } = this.#options
    await mkdir(stateDir, { recursive: true, mode: 0o700 })
    // The probe takes up to two seconds: not in the way of the first server.
    void this.#virtType().catch(() => undefined)
    for (const found of await findGuests(stateDir)) {
      if (existsSync(dirname(found.pidFile))) await this.findGuest(basename(dirname(found.pidFile)))
      else {
        log.warn({ server: found.uuid, pid: found.pid }, 'ending a guest whose folder is gone')
        await stopProcess(found, { graceMs: 3000 })
      }
    }
  }

  async stop() {
    this.#monitors.dropAll()
  }

  async describeHost(): Promise<HostReport> {
    const running = (await this.listGuests()).filter((guest) => guest.power === 'running').length
    return await hostFacts(this.#options.host, this.#options.stateDir, running)
  }

  async listGuests(): Promise<Guest[]> {
    const ids = (await readdir(this.#options.stateDir)).filter((name) => idPattern.test(name))
    const guests = await Promise.all(ids.map((id) => this.findGuest(id)))
    return guests.filter((guest) => guest !== undefined)
  }

  async findGuest(id: string): Promise<Guest | undefined> {
    const folder = this.#folder(id)
    if (!existsSync(folder.dir)) return undefined
    if (!(await findGuest(folder.pid, id))) return { id, power: 'shutdown' }
    try {
      return { id, power: await this.#monitors.power(id, folder.qmp) }
    } catch (error) {
      if (!(await findGuest(folder.pid, id))) return { id, power: 'shutdown' }
      throw error
    }
  }

  async prepare(server: DesiredServer, note: Note) {
    const folder = this.#folder(server.id)
    await mkdir(folder.dir, { recursive: true, mode: 0o700 })
    await clean('The disk of the server could not be made.', async () => {
      await this.#disks.makeRoot(server, folder, note)
      await this.#disks.makeConfigDrive(server, folder)
    })
    // Written first, so that a killed call leaves no tap that nobody knows of.
    await replaceFile(folder.taps, JSON.stringify(server.ports.map(({ tap }) => tap)), 0o600)
    await clean('The network devices of the server could not be made.', async () => {
      for (const { tap, mtu } of server.ports) await ensureTap({ name: tap, mtu })
    })
  }

  async boot(server: DesiredServer, note: Note) {
    const folder = this.#folder(server.id)
    const started = Date.now()
    const spec = guestSpec(server, folder, await this.#virtType())
    await clean('The hypervisor could not start the server.', async () => {
      await startGuest(spec)
      await this.#monitors.connect(server.id, folder.qmp)
    })
    note('start guest', started)
  }

  async shutDown(id: string, note: Note) {
    const started = Date.now()
    const isObeyed = await this.#powerDown(id)
    if (!isObeyed) await this.#kill(id)
    note(isObeyed ? 'shut down guest' : 'power off guest', started)
  }

  async pause(id: string) {
    await this.#execute(id, 'stop')
  }

  async unpause(id: string) {
    await this.#execute(id, 'cont')
  }

  async reboot(server: DesiredServer, type: 'SOFT' | 'HARD', note: Note) {
    if (type === 'HARD' || !(await this.#powerDown(server.id))) await this.#kill(server.id)
    await this.prepare(server, note)
    await this.boot(server, note)
  }

  /** Ends every guest and removes its devices; disks stay (`nephos down`). */
  async stopAll() {
    for (const { id } of await this.listGuests()) {
      await this.#kill(id)
      for (const tap of await readTaps(this.#folder(id).taps)) await deleteLink(tap)
    }
  }

  async destroy(id: string) {
    const folder = this.#folder(id)
    await this.#kill(id)
    for (const tap of await readTaps(folder.taps)) await deleteLink(tap)
    await rm(folder.dir, { recursive: true, force: true })
  }

  async consoleOutput(id: string, lines: number | null) {
    const file = this.#folder(id).console
    if (!existsSync(file)) throw new DriverError('The server has no console yet.', `${file} does not exist`)
    const text = await readEnd(file)
    if (lines === null) return text
    return lines === 0 ? '' : text.replace(/\n$/, '').split('\n').slice(-lines).join('\n')
  }

  async vncConsole(id: string): Promise<{ socketPath: string | null; host: string; port: number }> {
    return { socketPath: this.#folder(id).vnc, host: '', port: 0 }
  }

  onChange(listener: (id: string) => void) {
    this.#listeners.push(listener)
  }

  #folder(id: string) {
    return guestFolder(this.#options.stateDir, id)
  }

  async #virtType(): Promise<'tcg' | 'kvm'> {
    const { virtType = 'auto' } = this.#options
    if (virtType !== 'auto') return virtType === 'kvm' ? 'kvm' : 'tcg'
    return (await this.#kvm()).works ? 'kvm' : 'tcg'
  }

  async #execute(id: string, command: string) {
    const folder = this.#folder(id)
    if (!(await findGuest(folder.pid, id))) throw new DriverError('The server is not running.', `no QEMU for ${id}`)
    await (await this.#monitors.connect(id, folder.qmp)).execute(command)
  }

  /** Whether the guest went by itself. A paused one cannot. */
  async #powerDown(id: string): Promise<boolean> {
    const { pid } = this.#folder(id)
    const deadline = Date.now() + (this.#options.shutdownTimeoutS ?? 60) * 1000
    for (let press = 0; (await findGuest(pid, id)) !== undefined; await sleep(100)) {
      if (Date.now() >= deadline) return false
      if (Date.now() < press) continue
      press = Date.now() + powerButtonMs
      // It may end between the look and the command; the next look tells.
      await this.#execute(id, 'system_powerdown').catch(() => {})
    }
    return true
  }

  async #kill(id: string) {
    this.#monitors.drop(id)
    await killGuest(this.#folder(id).pid, id)
  }
}

/** The owner reads `message`; what really happened is for the operator. */
async function clean(message: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (error instanceof DriverError) throw error
    const detail = error instanceof CommandFailed ? `${error.message}\n${error.stderr}` : String(error)
    throw new DriverError(message, detail, { cause: error })
  }
}

async function readTaps(file: string): Promise<string[]> {
  return existsSync(file) ? (JSON.parse(await readFile(file, 'utf8')) as string[]) : []
}

async function readEnd(file: string): Promise<string> {
  const handle = await open(file)
  try {
    const { size } = await handle.stat()
    const length = Math.min(size, maxConsoleBytes)
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, size - length)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await handle.close()
  }
}
