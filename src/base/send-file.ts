/**
 * `sendfile(2)`: the kernel moves bytes of a file into a socket by itself, which costs half of what it costs to read them
 * and to write them again. Node has no such call. The bytes pass no memory of ours, so nothing can be done with them on the way.
 */
import { createRequire } from 'node:module'
import type { Socket } from 'node:net'

/** Moves the bytes of one file into one connection. */
export interface FileSender {
  /**
   * Moves at most `length` bytes from `position` on, as many as the connection takes now; how many these were. 0 where it
   * takes none, or is broken: a plain write waits, and tells what is wrong.
   */
  move(position: number, length: number): Promise<number>
  /** Call once, when no move is under way. */
  close(): void
}

interface Library {
  /** A descriptor of our own, which no child inherits; negative where there is none. */
  duplicate(fd: number): number
  close(fd: number): void
  sendfile(socket: number, file: number, position: number, length: number): Promise<number>
}

const duplicateForUsOnly = 1030 // F_DUPFD_CLOEXEC of Linux

let library: Library | null | undefined

/** The calls; null where this system has none: no Linux, or another C library. */
function loadLibrary(): Library | null {
  const libc = openLibc()
  if (!libc) return null
  const fcntl = libc.func('int fcntl(int fd, int command, int argument)') as (...args: number[]) => number
  const close = libc.func('int close(int fd)') as (fd: number) => number
  const sendfile = libc.func('int64_t sendfile(int out, int in, _Inout_ int64_t *offset, size_t count)')
  return {
    duplicate: (fd) => fcntl(fd, duplicateForUsOnly, 0),
    close: (fd) => void close(fd),
    sendfile: (socket, file, position, length) =>
      new Promise((resolve, reject) =>
        sendfile.async(socket, file, [position], length, (error: Error | null, moved: number | bigint) =>
          error ? reject(error) : resolve(Number(moved)),
        ),
      ),
  }
}

function openLibc() {
  if (process.platform !== 'linux') return undefined
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
    return koffi.load('libc.so.6')
  } catch {
    return undefined
  }
}

/** Undefined for encrypted connections, and where the system cannot do it. */
export function openSender(socket: Socket | null, file: number): FileSender | undefined {
  const handle = (socket as { _handle?: { fd?: number } } | null)?._handle
  if (!handle || (handle.fd ?? -1) < 0 || (socket as { encrypted?: boolean }).encrypted) return undefined
  library ??= loadLibrary()
  if (!library) return undefined
  const { duplicate, close, sendfile } = library
  // Numbers of descriptors are given again as soon as they are free: while a thread works with these, they must not be.
  const own = { socket: duplicate(handle.fd!), file: duplicate(file) }
  const all = [own.socket, own.file].filter((fd) => fd >= 0)
  if (all.length < 2) {
    all.forEach(close)
    return undefined
  }
  return {
    move: async (position, length) => Math.max(0, await sendfile(own.socket, own.file, position, length)),
    close: () => all.forEach(close),
  }
}
