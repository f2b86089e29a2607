/**
 * Waiting for conditions instead of for time. All durations are milliseconds.
 * A condition that does not come true in time is a `TimedOut`, which names what was waited for.
 */
import { setTimeout as sleep } from 'node:timers/promises'

export class TimedOut extends Error {
  override name = 'TimedOut'
}

export type WaitOptions = { what: string; timeoutMs: number; intervalMs?: number; signal?: AbortSignal }

/** Asks again and again until the answer is truthy, and returns that answer. */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { what, timeoutMs, intervalMs = 20, signal }: WaitOptions,
): Promise<NonNullable<Exclude<T, false>>> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const answer = await condition()
    if (answer) return answer as NonNullable<Exclude<T, false>>
    const left = deadline - performance.now()
    if (left <= 0) throw new TimedOut(`${what} did not happen within ${timeoutMs} ms`)
    await sleep(Math.min(intervalMs, left), undefined, { signal })
  }
}

export type RetryOptions = {
  attempts: number
  delayMs: number
  /** Which failures are worth another try; all of them unless told. */
  isWorthIt?: (error: unknown) => boolean
  signal?: AbortSignal
}

/** Calls `operation` until it succeeds; the delay doubles after each failure. The last failure is thrown. */
export async function retry<T>(operation: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { attempts, delayMs, isWorthIt = () => true, signal } = options
  for (let attempt = 1; ; attempt++) {
    try {
      return await operation()
    } catch (error) {
      if (attempt >= attempts || !isWorthIt(error)) throw error
      await sleep(delayMs * 2 ** (attempt - 1), undefined, { signal })
    }
  }
}
