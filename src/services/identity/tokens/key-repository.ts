/** Fernet keys on disk as keystone lays them out: files named by number, 0 is staged, the highest encrypts. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'
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

/** Reads all keys, the encrypting one first. */
export function readKeys(folder: string): FernetKey[] {
  let numbers: number[]
  try {
    numbers = numbersIn(folder)
  } catch (cause) {
    throw new KeyRepositoryError(
      `[fernet_tokens] key_repository ${folder} cannot be read: restore it from a backup or correct its path`,
      { cause },
    )
  }
  if (numbers.length === 0)
    throw new KeyRepositoryError(
      `[fernet_tokens] key_repository ${folder} has no keys: restore them, or remove the folder to begin anew (every token ends)`,
    )
  return numbers.reverse().map((number) => {
    try {
      return parseKey(readFileSync(join(folder, String(number)), 'utf8'))
    } catch (cause) {
      throw new KeyRepositoryError(
        `[fernet_tokens] key_repository ${join(folder, String(number))}: ${(cause as Error).message}`,
        { cause },
      )
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
