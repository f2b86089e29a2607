/**
 * A file that lines are appended to (0600). It begins anew by size or age, is opened again when somebody has moved or
 * removed it, and costs no request when it cannot be written: lines wait in memory, up to a bound.
 */
import { closeSync, existsSync, fstatSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Rotation } from './rotation.ts'

/** How often it is looked whether the name is still that of the open file. */
const lookMs = 1000
const mostWaiting = 1024 * 1024

const open = new Map<string, LogFile>()

/** The log of that name in this process: all who write to it share it, and its rotation is that of the first. */
export function openLogFile(name: string, rotation: Rotation): LogFile {
  const path = resolve(name)
  const file = open.get(path) ?? new LogFile(path, rotation)
  open.set(path, file)
  return file
}

/** Opens every log of this process again, as on SIGHUP. */
export function reopenLogFiles() {
  for (const file of open.values()) file.reopen()
}

export class LogFile {
  readonly #path: string
  readonly #rotation: Rotation
  #handle: number | undefined
  #inode = 0
  #size = 0
  #endsAt = Infinity
  #lookAt = 0
  readonly #waiting: Buffer[] = []
  #waitingBytes = 0
  /** Lines that found no room in memory either. */
  #lost = 0

  constructor(path: string, rotation: Rotation) {
    this.#path = path
    this.#rotation = rotation
  }

  /** pino's destination: whole lines. */
  write(line: string) {
    const bytes = Buffer.from(line)
    if (this.#waitingBytes + bytes.length > mostWaiting) this.#lost++
    else this.#push(bytes)
    try {
      this.#prepare(bytes.length)
      this.#drain()
    } catch {
      // A full disk, most often: the next line tries again.
    }
  }

  reopen() {
    if (this.#handle !== undefined) closeSync(this.#handle)
    this.#handle = undefined
  }

  #push(bytes: Buffer) {
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.length
  }

  #drain() {
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      const done = writeSync(this.#handle!, next)
      this.#size += done
      this.#waitingBytes -= done
      if (done === next.length) this.#waiting.shift()
      else this.#waiting[0] = next.subarray(done)
    }
    if (this.#lost === 0) return
    const line = { level: 40, time: Date.now(), pid: process.pid, lost: this.#lost, msg: 'lines could not be written' }
    this.#lost = 0
    this.#push(Buffer.from(`${JSON.stringify(line)}\n`))
    this.#drain()
  }

  #prepare(coming: number) {
    if (this.#handle === undefined) this.#open()
    else if (performance.now() >= this.#lookAt) this.#look()
    if (this.#size > 0 && (this.#size + coming > this.#rotation.maxBytes || Date.now() >= this.#endsAt)) this.#rotate()
  }

  /** Whether the name is still that of the open file, and how long it is: somebody may have cut it. */
  #look() {
    const there = statSync(this.#path, { throwIfNoEntry: false })
    if (there?.ino !== this.#inode) return this.#open()
    this.#size = there.size
    this.#lookAt = performance.now() + lookMs
  }

  #open() {
    this.reopen()
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 })
    this.#handle = openSync(this.#path, 'a', 0o600)
    const { ino, size, birthtimeMs } = fstatSync(this.#handle)
    this.#inode = ino
    this.#size = size
    this.#endsAt = this.#rotation.endOf(size > 0 && birthtimeMs > 0 ? birthtimeMs : Date.now())
    this.#lookAt = performance.now() + lookMs
  }

  /** `x.log` becomes `x.log.1`, that becomes `x.log.2`, and the last one goes. */
  #rotate() {
    const { keep } = this.#rotation
    if (keep === 0) rmSync(this.#path, { force: true })
    for (let number = keep; number > 0; number--) {
      const from = number === 1 ? this.#path : `${this.#path}.${number - 1}`
      if (existsSync(from)) renameSync(from, `${this.#path}.${number}`)
    }
    this.#open()
  }
}
