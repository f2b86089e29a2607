import { createHash, generateKeyPairSync } from 'node:crypto'
import { lockOwner } from '../../../platform/db/owner-lock.ts'
import type { ComputeDeps } from '../deps.ts'
import { Invalid, Conflict, Forbidden } from '../errors.ts'
import { findKeypair, countKeypairs, insertKeypair, type Keypair } from '../store/keypairs.ts'
import { limitsOf } from './quotas.ts'

/** Keeps a public key. Throws Conflict when the user has one of that name. */
export async function importKeypair(
  { database, config, now }: ComputeDeps,
  projectId: string,
  input: Pick<Keypair, 'userId' | 'name' | 'type' | 'publicKey'>,
): Promise<Keypair> {
  const keypair = { ...input, fingerprint: fingerprintOf(input), createdAt: now() }
  return database.transaction(async (tx) => {
    await lockOwner(database, tx, input.userId)
    if (await findKeypair(tx, input.userId, input.name)) throw new Conflict(`Key pair '${input.name}' already exists.`)
    const limit = (await limitsOf(tx, config, projectId))['key_pairs'] ?? -1
    const used = await countKeypairs(tx, input.userId)
    if (limit >= 0 && used >= limit) throw new Forbidden('Quota exceeded, too many key pairs.')
    await insertKeypair(tx, keypair)
    return (await findKeypair(tx, input.userId, input.name))!
  })
}

/** Makes an RSA key for clients from before microversion 2.92; the private half is given away and not kept. */
export async function generateKeypair(
  deps: ComputeDeps,
  projectId: string,
  input: Pick<Keypair, 'userId' | 'name' | 'type'>,
) {
  if (input.type !== 'ssh') throw new Invalid('Only ssh keypairs can be generated.')
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const jwk = publicKey.export({ format: 'jwk' })
  const blob = Buffer.concat([field(Buffer.from('ssh-rsa')), integer(jwk.e!), integer(jwk.n!)])
  const keypair = await importKeypair(deps, projectId, {
    ...input,
    publicKey: `ssh-rsa ${blob.toString('base64')} Generated-by-Nova`,
  })
  return { keypair, privateKey: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString() }
}

const field = (bytes: Buffer) => {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}
const integer = (base64url: string) => {
  const bytes = Buffer.from(base64url, 'base64url')
  return field(bytes[0]! & 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes)
}

/** MD5 of an SSH key's blob, as OpenSSH printed it, or SHA-1 of a certificate. */
function fingerprintOf({ publicKey, type }: Pick<Keypair, 'publicKey' | 'type'>): string {
  const pairs = (hex: string) => hex.match(/../g)!.join(':')
  if (type === 'x509') {
    const body = /-----BEGIN CERTIFICATE-----([\s\S]+?)-----END CERTIFICATE-----/.exec(publicKey)?.[1]
    if (!body) throw new Invalid('Keypair data is invalid: failed to generate X509 fingerprint')
    return pairs(createHash('sha1').update(Buffer.from(body, 'base64')).digest('hex'))
  }
  const [algorithm = '', encoded = ''] = publicKey.trim().split(/\s+/)
  const blob = Buffer.from(encoded, 'base64')
  const isKey = /^[a-z0-9@.-]+$/.test(algorithm) && blob.length > 4 + algorithm.length
  if (
    !isKey ||
    blob.subarray(4, 4 + blob.readUInt32BE(0)).toString() !== algorithm ||
    /[\n\r]/.test(publicKey.trim())
  ) {
    throw new Invalid('Keypair data is invalid: failed to generate fingerprint')
  }
  return pairs(createHash('md5').update(blob).digest('hex'))
}
