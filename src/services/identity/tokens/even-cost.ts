import { checkPassword } from './passwords.ts'

/**
 * As checkPassword, at the configured cost whatever the hash was made with: a user whose password is older than the
 * present `password_hash_rounds` would be told from nobody by the time that a wrong guess takes (CVE-2021-38155).
 */
export async function checkEvenly(password: string, hash: string | null, rounds: number): Promise<boolean> {
  const isRight = await checkPassword(password, hash, rounds)
  // Each round doubles the work: 2^r + (2^r + 2^(r+1) + … + 2^(rounds-1)) = 2^rounds.
  for (let made = hash === null ? rounds : roundsOf(hash); made < rounds; made++)
    await checkPassword(password, null, made)
  return isRight
}

/** Of a bcrypt hash, `$2b$12$…`. */
const roundsOf = (hash: string): number => Number(hash.split('$')[2])
