import bcrypt from 'bcrypt'
import { createHash } from 'node:crypto'
import { FairQueue, QueueFull, type Asker } from '../../../base/fair-queue.ts'
import { ServiceError, Unavailable } from '../../../platform/errors.ts'

/**
 * Hashing runs in the thread pool, at most two at once: the pool is shared with files and DNS. Who cannot wait is
 * refused: 429 when his own line is too long, 503 when all are.
 */
const queue = new FairQueue({ atOnce: 2, waiting: 1000, waitingOfAddress: 400, waitingOfUser: 200 })

/** What the cloud itself and users who are logged in have to hash. */
const inside: Asker = { address: '', user: '' }

/** Does work that hashes when the asker's turn has come. Throws 429 or 503 when he cannot wait. */
export async function throttled<T>(asker: Asker, work: () => Promise<T>): Promise<T> {
  try {
    return await queue.run(asker, work)
  } catch (error) {
    if (!(error instanceof QueueFull)) throw error
    if (error.why === 'busy') throw new Unavailable('Too many logins at once, try again.')
    throw new ServiceError('throttled', 'Too many logins of this user or address wait already, try again.', {
      retryAfter: 5,
    })
  }
}

/** bcrypt reads 72 bytes and stops at NUL: longer texts are hashed first, so that every byte counts. */
const prepared = (password: string): string =>
  Buffer.byteLength(password) > 54 || password.includes('\0')
    ? createHash('sha384').update(password).digest('base64')
    : password

export const hashPassword = (password: string, rounds: number): Promise<string> =>
  throttled(inside, () => bcrypt.hash(prepared(password), rounds))

// Hashes of a random text, so that an unknown user costs the same time as a known one.
const nobody = new Map<number, Promise<string>>()

function hashOfNobody(rounds: number): Promise<string> {
  let hash = nobody.get(rounds)
  if (!hash) nobody.set(rounds, (hash = bcrypt.hash(String(Math.PI), rounds)))
  return hash
}

/**
 * True when `password` is the one of `hash`. Takes as long without a hash, and with one of fewer rounds than hashes are made with
 * now. To be called in one's turn.
 */
export async function comparePassword(password: string, hash: string | null, rounds: number): Promise<boolean> {
  const against = hash ?? (await hashOfNobody(rounds))
  const matches = await bcrypt.compare(prepared(password), against)
  // Each round doubles the work: what is missing is once more each number of rounds from there on.
  for (let spent = roundsOf(against) ?? rounds; spent < rounds; spent++) {
    await bcrypt.compare(prepared(password), await hashOfNobody(spent))
  }
  return matches && hash !== null
}

const roundsOf = (hash: string): number | undefined => {
  const digits = /^\$2[aby]\$(\d\d)\$/.exec(hash)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** `comparePassword` for who is logged in already. */
export const checkPassword = (password: string, hash: string | null, rounds: number): Promise<boolean> =>
  throttled(inside, () => comparePassword(password, hash, rounds))
