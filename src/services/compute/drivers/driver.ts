import type { Duplex } from 'node:stream'
import type { DesiredServer, HostReport } from '../rpc/conductor.ts'

export type Power = 'running' | 'paused' | 'shutdown'

/** A guest that exists on this host, in whatever state; a half-prepared one is `shutdown`. */
export interface Guest {
  id: string
  power: Power
}

/** Tells what was done and how long it took, for the server's timeline. */
export type Note = (what: string, startedAt: number, detail?: string) => void

/**
 * Why a wish cannot be fulfilled. `message` is for the server's owner and names no path, host or password; `detail` is
 * for the operator and the log.
 */
export class DriverError extends Error {
  readonly detail: string
  /** Another host would fail just so: the image is to blame, not this host. */
  readonly isEverywhere: boolean
  constructor(message: string, detail: string, options: ErrorOptions & { isEverywhere?: boolean } = {}) {
    super(message, options)
    this.detail = detail
    this.isEverywhere = options.isEverywhere ?? false
  }
}

/**
 * What a hypervisor must do. Every call is idempotent and finds its way from whatever an earlier, killed call left.
 * Guests do not depend on this process: they go on when it ends.
 */
export interface ComputeDriver {
  /** `qemu` or `fake`. */
  readonly name: string
  /** Finds the guests of an earlier process. */
  start(): Promise<void>
  /** Lets go of the guests without touching them. */
  stop(): Promise<void>
  describeHost(): Promise<HostReport>
  listGuests(): Promise<Guest[]>
  findGuest(id: string): Promise<Guest | undefined>
  /** Files that hold the guest's data. */
  listDisks(id: string): Promise<{ file: string; bytes: number }[]>
  /** Disks, config drive and tap devices. */
  prepare(server: DesiredServer, note: Note): Promise<void>
  /** Starts a prepared guest; nothing to do where it runs. */
  boot(server: DesiredServer, note: Note): Promise<void>
  /** Gives the guest the network interfaces that the server has now, running or not. */
  updatePorts(server: DesiredServer, note: Note): Promise<void>
  /** Asks the guest to power off and insists after the driver's timeout. */
  shutDown(id: string, note: Note): Promise<void>
  pause(id: string): Promise<void>
  unpause(id: string): Promise<void>
  reboot(server: DesiredServer, type: 'SOFT' | 'HARD', note: Note): Promise<void>
  /** Ends the guest and removes everything of it. */
  destroy(id: string): Promise<void>
  /** The last lines of the serial console, all of it when `lines` is null. */
  consoleOutput(id: string, lines: number | null): Promise<string>
  /** A new stream to the guest's screen, which speaks VNC. */
  openVnc(id: string): Promise<Duplex>
  /** What `uptime` says on this host; null where that makes no sense. */
  hostUptime(): Promise<string | null>
  /** Calls back when a guest changed without being told to (powered itself off, died). */
  onChange(listener: (id: string) => void): void
}
