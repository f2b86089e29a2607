import { join } from 'node:path'
import { rotateLog } from '../host/growing-log.ts'
import { paths } from '../deployment/settings.ts'

const maxBytes = 1 << 20

/** Where a cloud in the background says what its processes end by; their last words on stderr go there too. */
export const startLogOf = (stateDir: string): string => join(paths(stateDir).log, 'up.log')

/** Whatever ends again and again, the log keeps its last MiB and the one before (`up.log.0`). */
export function keepStartLogShort(stateDir: string) {
  try {
    rotateLog(startLogOf(stateDir), maxBytes)
  } catch {
    // A full disk: the log grows no further by itself, and the next end of a process tries again.
  }
}
