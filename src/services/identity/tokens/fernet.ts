/**
 * Fernet: version byte, time, IV, AES-128-CBC, HMAC-SHA256. The MAC is checked, in constant time, before anything else
 * is looked at. Source: the Fernet specification.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  randomBytes,
  timingSafeEqual,
  type KeyObject,
} from 'node:crypto'

export interface FernetKey {
  readonly signing: KeyObject
  readonly encryption: KeyObject
}

const version = 0x80
const shortest = 1 + 8 + 16 + 16 + 32

/** Reads a key file's text: 32 bytes in URL-safe base64. Throws on anything else and on a key of zeros. */
export function parseKey(text: string): FernetKey {
  const bytes = Buffer.from(text.trim(), 'base64url')
  if (bytes.length !== 32) throw new Error('a fernet key has 32 bytes in URL-safe base64')
  if (bytes.every((byte) => byte === 0)) throw new Error('a fernet key of zeros is no key')
  // Key objects: on Node 24 raw buffers are imported anew for every call, which costs five times the encryption.
  return { signing: createSecretKey(bytes.subarray(0, 16)), encryption: createSecretKey(bytes.subarray(16)) }
}

export const generateKey = (): string => `${randomBytes(32).toString('base64url')}=`

/** Encrypts `payload` with the time `seconds`; the token has no padding, as keystone's. */
export function encrypt(key: FernetKey, payload: Uint8Array, seconds: number): string {
  const head = Buffer.alloc(25)
  head[0] = version
  head.writeBigUInt64BE(BigInt(seconds), 1)
  randomBytes(16).copy(head, 9)
  const cipher = createCipheriv('aes-128-cbc', key.encryption, head.subarray(9))
  const body = Buffer.concat([head, cipher.update(payload), cipher.final()])
  return Buffer.concat([body, createHmac('sha256', key.signing).update(body).digest()]).toString('base64url')
}

/** The payload and the time of a token that one of `keys` made; undefined for anything else. */
export function decrypt(keys: readonly FernetKey[], token: string): { payload: Buffer; seconds: number } | undefined {
  const bytes = Buffer.from(token, 'base64url')
  if (bytes.length < shortest || bytes[0] !== version) return undefined
  // Node's decoder skips what is no base64url: one token must have one text, or revoking and caching miss the others.
  if (bytes.toString('base64url') !== token) return undefined
  const body = bytes.subarray(0, -32)
  const mac = bytes.subarray(-32)
  for (const key of keys) {
    if (!timingSafeEqual(createHmac('sha256', key.signing).update(body).digest(), mac)) continue
    const decipher = createDecipheriv('aes-128-cbc', key.encryption, body.subarray(9, 25))
    try {
      const payload = Buffer.concat([decipher.update(body.subarray(25)), decipher.final()])
      return { payload, seconds: Number(body.readBigUInt64BE(1)) }
    } catch {
      return undefined
    }
  }
  return undefined
}
