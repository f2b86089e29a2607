/**
 * What the supervisor says of the cloud, in a file. Its modification time is when the content was true last: the supervisor
 * renews it while it lives, and sets it back at once when it has something to say that cannot be written. That takes no
 * space, so it works on a full disk.
 */
import { closeSync, existsSync, ftruncateSync, openSync, readFileSync, statSync, utimesSync, writeSync } from 'node:fs'
import { isErrno } from '../host/process.ts'
import { writeForControl } from '../deployment/control-user.ts'
import type { RoleState } from '../deployment/role-board.ts'
import { paths } from '../deployment/settings.ts'

/** What the supervisor writes whenever a role changes. */
export interface CloudStatus {
  pid: number
  pids: Record<string, number | undefined>
  ready: boolean
  startedAt: string
  roles: RoleState[]
  /** What did not go as it should and stops nothing. */
  remarks: string[]
}

export interface ReadStatus extends CloudStatus {
  /** Whether the supervisor lives. */
  running: boolean
  /** When this was written, where it may no longer be true; undefined where it is. */
  staleSince: string | undefined
}

const beatMs = 5_000
/** A supervisor that is busy may miss two. */
const staleMs = 3 * beatMs + 1_000

/** The last status of a cloud; undefined when there is none that can be read. */
export function readStatus(stateDir: string): ReadStatus | undefined {
  const file = paths(stateDir).status
  const content = existsSync(file) && parse(readFileSync(file, 'utf8'))
  if (!content) return undefined
  const { writtenAt, ...status } = content
  const isStale = Date.now() - statSync(file).mtimeMs > staleMs
  return { ...status, running: isNephos(status.pid), staleSince: isStale ? (writtenAt ?? '') : undefined }
}

function parse(text: string): (CloudStatus & { writtenAt?: string }) | undefined {
  try {
    return JSON.parse(text) as CloudStatus & { writtenAt?: string }
  } catch {
    return undefined
  }
}

/** A process id may have been given to another program meanwhile. */
export function isNephos(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('src/cmd/main.ts')
  } catch {
    return isHidden(pid)
  }
}

/** Where /proc is mounted with `hidepid`, processes of other users are not seen, only felt. */
function isHidden(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    return isErrno(error, 'EPERM')
  }
}

/** Keeps the file true, or marks it as not true; what could not be written is tried again with each beat. */
export class StatusFile {
  readonly #stateDir: string
  readonly #file: string
  readonly #failed: (reason: string) => void
  #status: CloudStatus | undefined
  #isWritten = true
  readonly #timer: NodeJS.Timeout

  /** `failed` is told once for each time that the file could not be written when it could before. */
  constructor(stateDir: string, failed: (reason: string) => void) {
    this.#stateDir = stateDir
    this.#file = paths(stateDir).status
    this.#failed = failed
    this.#timer = setInterval(() => this.beat(), beatMs).unref()
  }

  write(status: CloudStatus) {
    this.#status = status
    try {
      this.#replace(JSON.stringify({ ...status, writtenAt: new Date().toISOString() }))
      this.#isWritten = true
    } catch (error) {
      if (this.#isWritten) this.#failed(error instanceof Error ? error.message : String(error))
      this.#isWritten = false
      this.#setTime(new Date(0))
    }
  }

  beat() {
    if (!this.#isWritten && this.#status) this.write(this.#status)
    else this.#setTime(new Date())
  }

  stop() {
    clearInterval(this.#timer)
  }

  /** On a full disk the text takes the place of the one before, if it fits where that is. */
  #replace(text: string) {
    try {
      writeForControl(this.#stateDir, this.#file, text)
    } catch (error) {
      const room = existsSync(this.#file) ? statSync(this.#file).blocks * 512 : 0
      if (!isErrno(error, 'ENOSPC') || Buffer.byteLength(text) > room) throw error
      const handle = openSync(this.#file, 'r+')
      try {
        writeSync(handle, text, 0)
        ftruncateSync(handle, Buffer.byteLength(text))
      } finally {
        closeSync(handle)
      }
    }
  }

  #setTime(time: Date) {
    try {
      utimesSync(this.#file, time, time)
    } catch {
      // Not even that: then its age tells.
    }
  }
}
