/**
 * Secrets of machines that were found right before: an application credential that logs in often is not hashed slowly
 * each time. Only a keyed digest is kept, in memory, bound to the stored hash; a wrong secret always costs the hash.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { checkPassword } from './passwords.ts'

const most = 10_000
const key = randomBytes(32)
/** Digest by stored hash, in the order of first use. */
const known = new Map<string, Buffer>()

/** As checkPassword; fast for a secret that was right for this hash before. */
export async function checkSecret(secret: string, hash: string | null, rounds: number): Promise<boolean> {
  const digest = createHmac('sha256', key).update(secret).digest()
  const before = hash === null ? undefined : known.get(hash)
  if (before && timingSafeEqual(before, digest)) return true
  const isRight = await checkPassword(secret, hash, rounds)
  if (isRight && hash !== null) {
    if (known.size >= most) known.delete(known.keys().next().value!)
    known.set(hash, digest)
  }
  return isRight
}
