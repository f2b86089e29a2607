/** Receipts of partial authentication: what a user has proved so far, for a second request with the next factor. */
import { decode, encode } from '@msgpack/msgpack'
import { decrypt, encrypt, type FernetKey } from '../tokens/fernet.ts'
import { readKeys } from '../tokens/key-repository.ts'
import { methodBits, methodsOf } from '../tokens/payload.ts'

export interface Receipt {
  userId: string
  methods: string[]
  /** Milliseconds. */
  expiresAt: number
}

/** Packed as keystone packs them: `[user, methods, expires]`, encrypted with keys of their own. */
export class Receipts {
  readonly #folder: string
  readonly #methods: readonly string[]
  #keys: FernetKey[]

  constructor(folder: string, methods: readonly string[]) {
    this.#folder = folder
    this.#methods = methods
    this.#keys = readKeys(folder)
  }

  /** After a rotation of the keys. */
  reload() {
    this.#keys = readKeys(this.#folder)
  }

  issue({ userId, methods, expiresAt }: Receipt): string {
    const payload = encode([[false, userId], methodBits(methods, this.#methods), expiresAt / 1000])
    return encrypt(this.#keys[0]!, payload, Math.floor(Date.now() / 1000))
  }

  /** Undefined for a text that is no receipt of this cloud, or one that is over. */
  open(text: string): Receipt | undefined {
    const opened = decrypt(this.#keys, text)
    if (!opened) return undefined
    const [[isBytes, id], bits, expires] = decode(opened.payload) as [[boolean, string | Uint8Array], number, number]
    const expiresAt = Math.round(expires * 1000)
    if (expiresAt <= Date.now()) return undefined
    const userId = typeof id === 'string' ? id : Buffer.from(id).toString(isBytes ? 'hex' : 'utf8')
    return { userId, methods: methodsOf(bits, this.#methods), expiresAt }
  }
}
