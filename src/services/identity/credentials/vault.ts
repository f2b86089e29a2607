/** Encrypts the blobs of credentials at rest, with fernet keys in a repository of their own. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decrypt, encrypt, type FernetKey } from '../tokens/fernet.ts'
import { KeyRepositoryError, newestKeyOf, readKeys } from '../tokens/key-repository.ts'

export interface Sealed {
  encrypted_blob: string
  /** SHA-1 of the key's text: tells which credentials a rotation has still to encrypt anew. */
  key_hash: string
}

export class CredentialVault {
  readonly #folder: string
  #keys: FernetKey[]
  #hash: string

  /** Throws KeyRepositoryError when the keys cannot be read. */
  constructor(folder: string) {
    this.#folder = folder
    this.#keys = readKeys(folder)
    this.#hash = hashOf(folder)
  }

  /** Of the key that encrypts now. */
  get keyHash(): string {
    return this.#hash
  }

  /** After a rotation. */
  reload() {
    this.#keys = readKeys(this.#folder)
    this.#hash = hashOf(this.#folder)
  }

  encrypt(blob: string): Sealed {
    return {
      encrypted_blob: encrypt(this.#keys[0]!, Buffer.from(blob), Math.floor(Date.now() / 1000)),
      key_hash: this.#hash,
    }
  }

  /** Throws KeyRepositoryError when the key that a blob was encrypted with is gone. */
  decrypt({ encrypted_blob }: { encrypted_blob: string }): string {
    const opened = decrypt(this.#keys, encrypted_blob)
    if (!opened)
      throw new KeyRepositoryError(
        `[credential] key_repository ${this.#folder} lacks the key of a credential: restore it from a backup`,
      )
    return opened.payload.toString()
  }
}

const hashOf = (folder: string): string =>
  createHash('sha1')
    .update(readFileSync(join(folder, String(newestKeyOf(folder))), 'utf8').trim())
    .digest('hex')
