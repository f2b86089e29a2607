/** Fernet keys on disk as keystone lays them out: files named by number, 0 is staged, the highest encrypts. */
import { generateKeyPairSync } from 'node:crypto'
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { replaceFileSync } from '../../../base/replace-file.ts'
import { generateKey, parseKey, type FernetKey } from './fernet.ts'

/** The key repository cannot be used; the message names it and the remedy. */
export class KeyRepositoryError extends Error {}

const numbersIn = (folder: string): number[] =>
  readdirSync(folder)
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b)

/** Whose the keys are to be; without one they are the caller's. */
export interface KeyOwner {
  uid: number
  gid: number
}

const write = (folder: string, number: number, text: string, owner?: KeyOwner) =>
  replaceFileSync(join(folder, String(number)), text, 0o600, owner)

/** Makes the repository with a staged and a primary key unless it has keys; true when it made them. */
export function setUpKeys(folder: string, owner?: KeyOwner): boolean {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  chmodSync(folder, 0o700)
  if (owner) chownSync(folder, owner.uid, owner.gid)
  if (numbersIn(folder).length > 0) return false
  write(folder, 0, generateKey(), owner)
  write(folder, 1, generateKey(), owner)
  return true
}

/** Number of the key that encrypts. */
export const newestKeyOf = (folder: string): number => numbersIn(folder).at(-1) ?? 0

/** Reads all keys, the encrypting one first. */
export function readKeys(folder: string): FernetKey[] {
  let numbers: number[]
  try {
    numbers = numbersIn(folder)
  } catch (cause) {
    throw new KeyRepositoryError(
      `key_repository ${folder} cannot be read: restore it from a backup, correct its path, or make it with keystone-manage fernet_setup, receipt_setup or credential_setup`,
      { cause },
    )
  }
  if (numbers.length === 0)
    throw new KeyRepositoryError(
      `key_repository ${folder} has no keys: restore them, or remove the folder to begin anew (what was encrypted with them is lost)`,
    )
  return numbers.reverse().map((number) => {
    try {
      return parseKey(readFileSync(join(folder, String(number)), 'utf8'))
    } catch (cause) {
      throw new KeyRepositoryError(`key_repository ${join(folder, String(number))}: ${(cause as Error).message}`, {
        cause,
      })
    }
  })
}

/** Rotates: the staged key becomes primary, a new one is staged, the oldest go beyond `maxActiveKeys`. */
export function rotateKeys(folder: string, maxActiveKeys: number, owner?: KeyOwner) {
  // Refuses to begin where a key is missing or broken.
  readKeys(folder)
  const next = newestKeyOf(folder) + 1
  // Cut after the first step of a rotation, a repository has no staged key: it gets one, and that is the rotation.
  if (existsSync(join(folder, '0'))) renameSync(join(folder, '0'), join(folder, String(next)))
  write(folder, 0, generateKey(), owner)
  const old = numbersIn(folder).filter((number) => number !== 0)
  for (const number of old.slice(0, Math.max(0, old.length + 1 - maxActiveKeys)))
    unlinkSync(join(folder, String(number)))
}

/** Makes the pair that JWS tokens are signed and checked with, unless it is there. */
export function setUpKeyPair(privateFolder: string, publicFolder: string) {
  if (existsSync(join(privateFolder, 'private.pem'))) return
  for (const folder of [privateFolder, publicFolder]) mkdirSync(folder, { recursive: true, mode: 0o700 })
  writeKeyPair(privateFolder, publicFolder)
}

/** Writes a new ES256 pair as `private.pem` and `public.pem`. */
export function writeKeyPair(privateFolder: string, publicFolder: string, owner?: KeyOwner) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  for (const [file, text] of [
    [join(publicFolder, 'public.pem'), publicKey],
    [join(privateFolder, 'private.pem'), privateKey],
  ] as const) {
    replaceFileSync(file, text, 0o600, owner)
  }
}
