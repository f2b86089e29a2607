import { pino } from 'pino'
import { openLogFile } from './log-file.ts'
import type { Rotation } from './rotation.ts'

/** Structured logging; values of type Secret print as ***. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  child(fields: object): Logger
}

export interface LogOptions {
  name: string
  /** pino's. */
  level?: string
  /** Nowhere without it. */
  file?: string
  /** When the file begins anew; never without it. */
  rotation?: Rotation
}

const never: Rotation = { maxBytes: Infinity, endOf: () => Infinity, keep: 0 }

/** JSON lines; user text is JSON-encoded, so that no log line can be forged. */
export function createLogger({ name, level = 'info', file, rotation = never }: LogOptions): Logger {
  const settings = { level, base: { name, pid: process.pid } }
  return file ? pino(settings, openLogFile(file, rotation)) : pino({ ...settings, enabled: false })
}
