import bcrypt from 'bcrypt'
import { createHash } from 'node:crypto'
import { ServiceUnavailable } from '../../../platform/http/errors.ts'

/**
 * Hashing runs in the thread pool, at most two at once: the pool is shared with files and DNS. A queue that is too long
 * answers 503 instead of growing.
 */
const atOnce = 2
const longestQueue = 1000
let running = 0
const waiting: (() => void)[] = []

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running >= atOnce) {
    if (waiting.length >= longestQueue) throw new ServiceUnavailable('Too many logins at once, try again.')
    await new Promise<void>((resolve) => waiting.push(resolve))
  } else running++
  try {
    return await work()
  } finally {
    const next = waiting.shift()
    if (next) next()
    else running--
  }
}

/** bcrypt reads 72 bytes and stops at NUL: longer texts are hashed first, so that every byte counts. */
const prepared = (password: string): string =>
  Buffer.byteLength(password) > 54 || password.includes('\0')
    ? createHash('sha384').update(password).digest('base64')
    : password

export const hashPassword = (password: string, rounds: number): Promise<string> =>
  inTurn(() => bcrypt.hash(prepared(password), rounds))

// The hash of a random text, so that an unknown user costs the same time as a known one.
const nobody = new Map<number, Promise<string>>()

/** True when `password` is the one of `hash`; takes as long without a hash. */
export async function checkPassword(password: string, hash: string | null, rounds: number): Promise<boolean> {
  let dummy = nobody.get(rounds)
  if (!dummy) nobody.set(rounds, (dummy = hashPassword(String(Math.PI), rounds)))
  const against = hash ?? (await dummy)
  const matches = await inTurn(() => bcrypt.compare(prepared(password), against))
  return matches && hash !== null
}
