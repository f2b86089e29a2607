import type { Logger } from '../log/log.ts'

/**
 * Does `work` every so many milliseconds, never twice at once; a failure is logged and the next turn tries again. The
 * returned function ends that and waits for a turn that is under way.
 */
export function every(ms: number, what: string, log: Logger, work: () => Promise<unknown>): () => Promise<void> {
  let turn: Promise<void> | undefined
  const timer = setInterval(() => {
    turn ??= work()
      .then(() => undefined)
      .catch((err: unknown) => log.warn({ err }, `${what} failed`))
      .finally(() => (turn = undefined))
  }, ms).unref()
  return async () => {
    clearInterval(timer)
    await turn
  }
}
