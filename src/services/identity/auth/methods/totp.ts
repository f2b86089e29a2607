import { createHmac } from 'node:crypto'
import { constantTimeEqual } from '../../../../platform/auth/secret.ts'
import type { IdentityDeps } from '../../deps.ts'
import { AuthFailed, expected } from '../../errors.ts'
import { listRows } from '../../store/rows.ts'
import { isLocked, noteFailure } from '../../users/compliance.ts'
import { findUser, isUsable } from '../find.ts'
import type { AuthMethod, NamedInDomain } from '../method.ts'

const windowMs = 30_000

/** Passcodes of a user's `totp` credentials (RFC 6238: SHA-1, six digits, 30 seconds). Wrong ones count for the lock. */
export const totp: AuthMethod = async (deps, input) => {
  const { user: named } = (input ?? {}) as { user?: NamedInDomain & { passcode?: string } }
  if (!named) throw expected('user', 'totp')
  if (typeof named.passcode !== 'string') throw expected('passcode', 'user')
  const user = await findUser(deps, named)
  if (!user || isLocked(deps.config, user) || !(await isUsable(deps, user))) throw new AuthFailed()
  if (!(await isPasscode(deps, user.id, named.passcode))) {
    await noteFailure(deps, user)
    throw new AuthFailed()
  }
  return { user, methods: ['totp'] }
}

async function isPasscode(deps: IdentityDeps, userId: string, passcode: string): Promise<boolean> {
  const rows = await listRows(deps.database.db, 'credentials', { user_id: userId, type: 'totp' })
  const secrets = rows.flatMap((row) => fromBase32(deps.vault.decrypt(row)) ?? [])
  const now = Date.now()
  const windows = Array.from({ length: deps.config.totpWindows + 1 }, (_value, back) => now - back * windowMs)
  return secrets.some((secret) => windows.some((at) => constantTimeEqual(passcodeAt(secret, at), passcode)))
}

/** The passcode of a secret at a time in milliseconds. */
export function passcodeAt(secret: Buffer, at: number): string {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(at / windowMs)))
  const mac = createHmac('sha1', secret).update(counter).digest()
  const number = mac.readUInt32BE(mac[19]! & 15) & 0x7fffffff
  return String(number % 1_000_000).padStart(6, '0')
}

/** Undefined for a text that is no base32. */
export function fromBase32(text: string): Buffer | undefined {
  const letters = text.replaceAll(/[\s=]/g, '').toUpperCase()
  if (!/^[A-Z2-7]+$/.test(letters)) return undefined
  const bytes: number[] = []
  let bits = 0
  let value = 0
  for (const letter of letters) {
    value = (value << 5) | 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter)
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes.push((value >> bits) & 255)
  }
  return Buffer.from(bytes)
}
