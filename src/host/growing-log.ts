/**
 * Logs that a program writes at its guest's pleasure: kept short by copying and truncating, as the program holds the file
 * open (for appending) and outlives us. Everything is synchronous, so that nobody here reads a half rotated log; what is written
 * between copy and truncation is lost.
 */
import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync, writeFileSync } from 'node:fs'
import { isErrno } from './process.ts'

const { O_RDONLY, O_RDWR, O_NOFOLLOW, O_NONBLOCK } = constants

const backupOf = (file: string) => `${file}.0`

/** Moves a log of more than `maxBytes` to its one backup, which keeps its last `maxBytes`. Returns whether it did. */
export function rotateLog(file: string, maxBytes: number): boolean {
  return withFile(file, O_RDWR, false, (fd) => {
    if (sizeOf(fd) <= maxBytes) return false
    writeFileSync(backupOf(file), readTail(fd, maxBytes), { mode: 0o600 })
    ftruncateSync(fd)
    return true
  })
}

/** Empties a log of more than `maxBytes`. */
export function truncateLog(file: string, maxBytes: number): void {
  withFile(file, O_RDWR, undefined, (fd) => void (sizeOf(fd) > maxBytes && ftruncateSync(fd)))
}

/** The last `maxBytes` of a log and its backup; undefined when there is no log. */
export function readLog(file: string, maxBytes: number): Buffer | undefined {
  const now = withFile(file, O_RDONLY, undefined, (fd) => readTail(fd, maxBytes))
  if (now === undefined || now.length === maxBytes) return now
  const before = withFile(backupOf(file), O_RDONLY, Buffer.alloc(0), (fd) => readTail(fd, maxBytes - now.length))
  return Buffer.concat([before, now])
}

/** Its writer's folder may be its writer's: what lies there could be a link or a pipe by now. */
function withFile<T>(file: string, flags: number, otherwise: T, work: (fd: number) => T): T {
  let fd: number
  try {
    fd = openSync(file, flags | O_NOFOLLOW | O_NONBLOCK)
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ELOOP')) return otherwise
    throw error
  }
  try {
    return fstatSync(fd).isFile() ? work(fd) : otherwise
  } finally {
    closeSync(fd)
  }
}

const sizeOf = (fd: number): number => fstatSync(fd).size

function readTail(fd: number, maxBytes: number): Buffer {
  const size = sizeOf(fd)
  const buffer = Buffer.alloc(Math.min(size, maxBytes))
  return buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, size - buffer.length))
}
