/** Removing old rows beside requests that want to write. */
import { setTimeout as sleep } from 'node:timers/promises'

const dayMs = 86_400_000

/**
 * Removes all that is older than so many days; `purge` removes at most so many rows older than a time, in one
 * transaction, and returns how many. Requests come in between. Zero days keep everything.
 */
export async function purgeOlderThan(
  days: number,
  purge: (before: number, most: number) => Promise<number>,
  { now = Date.now(), most = 500, pauseMs = 20 } = {},
): Promise<number> {
  if (days === 0) return 0
  let removed = 0
  for (;;) {
    const count = await purge(now - days * dayMs, most)
    removed += count
    if (count < most) return removed
    await sleep(pauseMs, undefined, { ref: false })
  }
}
