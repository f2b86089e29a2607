import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectToSocket } from '../../../../base/unix-socket.ts'
import { CommandFailed, type RunAs } from '../../../../host/command.ts'
import { ensureFile } from '../../../../host/files.ts'
import { readLog, rotateLog, truncateLog } from '../../../../host/growing-log.ts'
import { rememberedProbe } from '../../../../host/kvm.ts'
import { deleteLink, ensureTap } from '../../../../host/links.ts'
import { findGuest, findGuests, killGuest, processLog, startGuest } from '../../../../host/qemu.ts'
import { isErrno, isRunning, stopProcess, type ProcessIdentity } from '../../../../host/process.ts'
import { hostUptime } from '../../../../host/uptime.ts'
import type { Logger } from '../../../../platform/log/log.ts'
import type { DesiredServer, HostReport } from '../../rpc/conductor.ts'
import { DriverError, type ComputeDriver, type Guest, type Note } from '../driver.ts'
import { Disks } from './disks.ts'
import { guestFolder } from './folder.ts'
import { HardwareOfHost } from './hardware.ts'
import { hostFacts } from './host-facts.ts'
import { guestIdentity, shareWith, type Identity } from './identity.ts'
import { Monitors } from './monitor.ts'
import { listNics, nicOf, plugNic, queuesOf, unplugNic } from './nics.ts'
import { guestSpec } from './spec.ts'

export interface QemuOptions {
  host: string
  /** One folder for each guest, and `_base` for images. */
  stateDir: string
  log: Logger
  fetchImage: (id: string) => Promise<Readable>
  virtType?: 'auto' | 'kvm' | 'qemu'
  shutdownTimeoutS?: number
  /** Who QEMU runs as where the machine lets that user do it; root otherwise. */
  user?: RunAs
  /** Told once each what an operator should know of this host: no KVM, guests as root. */
  onRemark?: (text: string) => void
}

const idPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** Of the serial console's log: rotated beyond it, with one backup, and as much is shown. */
const maxConsoleBytes = 1024 * 1024
/** A guest can print about a megabyte in a second. */
const rotateMs = 5000
/** A guest that is still booting loses the first presses of its power button. */
const powerButtonMs = 3000

/** Guests as QEMU processes that do not depend on this one. */
export class QemuDriver implements ComputeDriver {
  readonly name = 'qemu'
  readonly #options: QemuOptions
  readonly #disks: Disks
  readonly #hardware = new HardwareOfHost()
  readonly #monitors: Monitors
  readonly #listeners: ((id: string) => void)[] = []
  readonly #kvm = rememberedProbe('kvm')
  /** Guests of an earlier process that run without the folder that they were started from. */
  readonly #homeless = new Map<string, ProcessIdentity>()
  /** Guests whose QEMU lives and does not answer. */
  readonly #silent = new Set<string>()
  #rotating: NodeJS.Timeout | undefined
  #identity: Promise<Identity> | undefined
  #virt: Promise<'tcg' | 'kvm'> | undefined

  constructor(options: QemuOptions) {
    this.#options = { ...options, stateDir: resolve(options.stateDir) }
    this.#disks = new Disks(this.#options.stateDir, options.fetchImage)
    this.#monitors = new Monitors((id) => this.#listeners.forEach((listener) => listener(id)))
  }

  async start() {
    const { stateDir, log } = this.#options
    await mkdir(stateDir, { recursive: true, mode: 0o700 })
    // The probe takes up to two seconds: not in the way of the first server.
    void this.#whoRuns().catch((error: unknown) => log.error({ err: error }, 'cannot tell how guests can run here'))
    this.#rotating = setInterval(() => {
      this.rotateLogs().catch((error: unknown) => log.warn({ err: error }, 'the logs of the guests cannot be rotated'))
    }, rotateMs)
    await Promise.all(
      (await findGuests(stateDir)).map(async (found) => {
        if (existsSync(this.#folder(found.uuid).dir) && found.pidFile === this.#folder(found.uuid).pid) {
          await this.findGuest(found.uuid)
          return
        }
        // Its disks may be open still, and nothing says that its server was deleted.
        this.#homeless.set(found.uuid, found)
        log.error({ server: found.uuid, pid: found.pid }, 'a guest runs whose folder is gone; it is kept')
      }),
    )
  }

  async stop() {
    clearInterval(this.#rotating)
    this.#monitors.dropAll()
  }

  /** Keeps what guests print, and what QEMU says of them, from filling the disk. */
  async rotateLogs(): Promise<void> {
    for (const id of await this.#ids()) {
      const folder = this.#folder(id)
      try {
        rotateLog(folder.console, maxConsoleBytes)
        truncateLog(processLog(folder.pid), maxConsoleBytes)
      } catch (error) {
        this.#options.log.warn({ err: error, server: id }, 'the logs of the guest cannot be rotated')
      }
    }
  }

  async describeHost(): Promise<HostReport> {
    const { host, stateDir } = this.#options
    const runningGuests = (await this.listGuests()).filter((guest) => guest.power === 'running').length
    return await hostFacts(host, { stateDir, runningGuests, hasUefi: this.#hardware.firmware.uefi !== undefined })
  }

  async listGuests(): Promise<Guest[]> {
    const ids = new Set([...(await this.#ids()), ...this.#homeless.keys()])
    const guests = await Promise.all([...ids].map((id) => this.findGuest(id)))
    return guests.filter((guest) => guest !== undefined)
  }

  /** A guest whose QEMU lives but does not answer runs, as far as anyone can tell; it can still be ended. */
  async findGuest(id: string): Promise<Guest | undefined> {
    const folder = this.#folder(id)
    const homeless = this.#homeless.get(id)
    if (homeless && (await isRunning(homeless))) return { id, power: 'running' }
    this.#homeless.delete(id)
    if (!existsSync(folder.dir)) return undefined
    if (!(await findGuest(folder.pid, id))) return { id, power: 'shutdown' }
    try {
      const power = await this.#monitors.power(id, folder.qmp)
      if (this.#silent.delete(id)) this.#options.log.info({ server: id }, 'the guest answers again')
      return { id, power }
    } catch (error) {
      if (!(await findGuest(folder.pid, id))) return { id, power: 'shutdown' }
      if (!this.#silent.has(id)) this.#options.log.error({ err: error, server: id }, 'the guest does not answer')
      this.#silent.add(id)
      return { id, power: 'running' }
    }
  }

  async listDisks(id: string) {
    const { disk, ephemeral, swap } = this.#folder(id)
    const files = [disk, ephemeral, swap].filter((file) => existsSync(file))
    return await Promise.all(files.map(async (file) => ({ file, bytes: (await stat(file)).blocks * 512 })))
  }

  async prepare(server: DesiredServer, note: Note) {
    const folder = this.#folder(server.id)
    const { runAs } = await this.#whoRuns()
    const hardware = await this.#hardware.of(server)
    await mkdir(folder.dir, { recursive: true, mode: 0o710 })
    await shareWith(runAs, folder.dir, 0o710)
    await clean('The disk of the server could not be made.', async () => {
      await this.#disks.make(server, folder, runAs, note)
      if (hardware.firmware === 'uefi') await this.#hardware.makeNvram(folder, runAs)
    })
    await this.#ensureTaps(server, runAs)
  }

  async boot(server: DesiredServer, note: Note) {
    const folder = this.#folder(server.id)
    const started = Date.now()
    const { runAs } = await this.#whoRuns()
    const spec = guestSpec(server, await this.#hardware.of(server), folder, {
      virtType: await this.#virtType(),
      ...this.#hardware.firmware,
    })
    await clean('The hypervisor could not start the server.', async () => {
      await startGuest(spec, { runAs })
      await this.#monitors.connect(server.id, folder.qmp)
    })
    note('start guest', started)
  }

  async updatePorts(server: DesiredServer, note: Note) {
    const folder = this.#folder(server.id)
    const { runAs } = await this.#whoRuns()
    if (!(await findGuest(folder.pid, server.id))) return await this.#ensureTaps(server, runAs)
    await clean("The server's interfaces could not be changed.", async () => {
      const qmp = await this.#monitors.connect(server.id, folder.qmp)
      const hardware = await this.#hardware.of(server)
      const wanted = server.ports.map((port) => nicOf(port, hardware, server.vcpus))
      const present = await listNics(qmp)
      for (const id of present) if (!wanted.some((nic) => nic.id === id)) await unplugNic(qmp, id, note)
      await this.#ensureTaps(server, runAs, { isRunning: true })
      for (const nic of wanted) if (!present.includes(nic.id)) await plugNic(qmp, nic, hardware.machine, note)
    })
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

  hostUptime() {
    return hostUptime()
  }

  async consoleOutput(id: string, lines: number | null) {
    const file = this.#folder(id).console
    const text = readLog(file, maxConsoleBytes)?.toString()
    if (text === undefined) throw new DriverError('The server has no console yet.', `${file} does not exist`)
    if (lines === null) return text
    return lines === 0 ? '' : text.replace(/\n$/, '').split('\n').slice(-lines).join('\n')
  }

  async openVnc(id: string) {
    try {
      const socket = connectToSocket(this.#folder(id).vnc)
      await once(socket, 'connect')
      return socket
    } catch (cause) {
      throw new DriverError('The server has no console.', String(cause), { cause })
    }
  }

  onChange(listener: (id: string) => void) {
    this.#listeners.push(listener)
  }

  async #ids(): Promise<string[]> {
    return (await namesIn(this.#options.stateDir)).filter((name) => idPattern.test(name))
  }

  #folder(id: string) {
    return guestFolder(this.#options.stateDir, id)
  }

  #virtType(): Promise<'tcg' | 'kvm'> {
    return (this.#virt ??= this.#chooseVirtType())
  }

  async #chooseVirtType(): Promise<'tcg' | 'kvm'> {
    const { virtType = 'auto' } = this.#options
    if (virtType !== 'auto') return virtType === 'kvm' ? 'kvm' : 'tcg'
    const kvm = await this.#kvm()
    if (!kvm.works) this.#remark(`KVM does not work here (${kvm.reason}): guests are emulated, which is slower`)
    return kvm.works ? 'kvm' : 'tcg'
  }

  async #whoRuns(): Promise<Identity> {
    this.#identity ??= this.#chooseIdentity().catch((error: unknown) => {
      this.#identity = undefined // the next server tries again
      throw error
    })
    return await this.#identity
  }

  async #chooseIdentity(): Promise<Identity> {
    const { user, stateDir } = this.#options
    const identity = await guestIdentity(user, stateDir, await this.#virtType())
    if (!identity.runAs) this.#remark(`QEMU runs as root, within its sandbox: ${identity.reason}`)
    return identity
  }

  #remark(text: string) {
    this.#options.log.warn({}, text)
    this.#options.onRemark?.(text)
  }

  /** Taps of ports that are no longer the server's go, those that are wanted are made. */
  async #ensureTaps(server: DesiredServer, runAs: RunAs | undefined, { isRunning = false } = {}) {
    const { id, ports } = server
    const file = this.#folder(id).taps
    const hasQueues = queuesOf(await this.#hardware.of(server), server.vcpus) > 1
    const wanted = ports.map(({ tap }) => tap)
    const known = await readTaps(file)
    // Written first, so that a killed call leaves no tap that nobody knows of.
    await ensureFile(file, JSON.stringify([...new Set([...known, ...wanted])]), 0o600)
    await clean('The network devices of the server could not be made.', async () => {
      for (const tap of known) if (!wanted.includes(tap)) await deleteLink(tap)
      for (const { tap, mtu } of ports) {
        // One that QEMU has open stays what it is.
        const isOpen = isRunning && known.includes(tap)
        await ensureTap({ name: tap, mtu, ...(!isOpen && { hasQueues }), ...(runAs && { ownerUid: runAs.uid }) })
      }
    })
    await ensureFile(file, JSON.stringify(wanted), 0o600)
  }

  async #execute(id: string, command: string) {
    const folder = this.#folder(id)
    if (!(await findGuest(folder.pid, id))) throw new DriverError('The server is not running.', `no QEMU for ${id}`)
    await (await this.#monitors.connect(id, folder.qmp)).execute(command)
  }

  /** Whether the guest went by itself. A paused one cannot. */
  async #powerDown(id: string): Promise<boolean> {
    const { pid } = this.#folder(id)
    if ((await this.findGuest(id))?.power === 'paused' || this.#homeless.has(id)) return false
    const deadline = performance.now() + (this.#options.shutdownTimeoutS ?? 60) * 1000
    for (let press = 0; (await findGuest(pid, id)) !== undefined; await sleep(100)) {
      if (performance.now() >= deadline) return false
      if (performance.now() < press) continue
      press = performance.now() + powerButtonMs
      // It may end between the look and the command; the next look tells.
      await this.#execute(id, 'system_powerdown').catch(() => {})
    }
    return true
  }

  async #kill(id: string) {
    this.#monitors.drop(id)
    const homeless = this.#homeless.get(id)
    if (homeless) await stopProcess(homeless, { graceMs: 3000 })
    this.#homeless.delete(id)
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
    const isFull = isErrno(error, 'ENOSPC') || detail.includes('No space left on device')
    throw new DriverError(isFull ? `${message} The disk of the host is full.` : message, detail, { cause: error })
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return []
    throw error
  }
}

async function readTaps(file: string): Promise<string[]> {
  return existsSync(file) ? (JSON.parse(await readFile(file, 'utf8')) as string[]) : []
}
