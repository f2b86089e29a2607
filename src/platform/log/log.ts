import { pino } from 'pino'

/** Structured logging; values of type Secret print as ***. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  child(fields: object): Logger
}

const mostKept = 1024 * 1024

/**
 * JSON lines into `file` (0600, appended without buffering loss at exit), or nowhere when `file` is undefined.
 * `level` is pino's; user text is JSON-encoded, so that no log line can be forged.
 */
export function createLogger(options: { file?: string; level?: string; name: string }): Logger {
  const settings = { level: options.level ?? 'info', base: { name: options.name, pid: process.pid } }
  if (!options.file) return pino({ ...settings, enabled: false })
  const file = { dest: options.file, append: true, mkdir: true, mode: 0o600, sync: true, maxLength: mostKept }
  const destination = pino.destination(file)
  // A full disk must not end the program: what could not be written waits in memory for the next line, up to a bound.
  destination.on('error', () => undefined)
  return pino(settings, destination)
}
