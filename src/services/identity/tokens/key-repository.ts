/** Fernet keys on disk as keystone lays them out: files named by number, 0 is staged, the highest encrypts. */
import { generateKeyPairSync } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { generateKey, parseKey, type FernetKey } from './fernet.ts'

/** The key repository cannot be used; the message names it and the remedy. */
export class KeyRepositoryError extends Error {}

const numbersIn = (folder: string): number[] =>
  readdirSync(folder)
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b)

const write = (folder: string, number: number, text: string) => {
  const fresh = join(folder, `${number}.new`)
  writeFileSync(fresh, text, { mode: 0o600 })
  renameSync(fresh, join(folder, String(number)))
}

/** Makes the repository with a staged and a primary key unless it has keys. */
export function setUpKeys(folder: string) {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  chmodSync(folder, 0o700)
  if (numbersIn(folder).length > 0) return
  write(folder, 0, generateKey())
  write(folder, 1, generateKey())
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
      `key_repository ${folder} cannot be read: restore it from a backup or correct its path`,
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
export function rotateKeys(folder: string, maxActiveKeys: number) {
  const numbers = numbersIn(folder)
  renameSync(join(folder, '0'), join(folder, String((numbers.at(-1) ?? 0) + 1)))
  write(folder, 0, generateKey())
  const old = numbersIn(folder).filter((number) => number !== 0)
  for (const number of old.slice(0, Math.max(0, old.length + 1 - maxActiveKeys)))
    unlinkSync(join(folder, String(number)))
}

/** Makes the pair that JWS tokens are signed and checked with, unless it is there. */
export function setUpKeyPair(privateFolder: string, publicFolder: string) {
  const privateFile = join(privateFolder, 'private.pem')
  if (existsSync(privateFile)) return
  for (const folder of [privateFolder, publicFolder]) mkdirSync(folder, { recursive: true, mode: 0o700 })
  const { privateKey, publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  writeFileSync(join(publicFolder, 'public.pem'), publicKey, { mode: 0o600 })
  writeFileSync(privateFile, privateKey, { mode: 0o600 })
}
