/** The directory of one domain, asked with care: one that does not answer is left alone for a while. */
import { Unavailable } from '../../../platform/errors.ts'
import type { Logger } from '../../../platform/log/log.ts'
import { DirectoryDown, type Directory } from '../drivers/driver.ts'
import type { MirrorTarget } from '../store/mirror.ts'

/** So long nobody waits again for a directory that did not answer. */
const restMs = 2_000

export interface DomainDirectoryOptions {
  domainId: string
  directory: Directory
  /** Tells whether a new configuration is another one. */
  fingerprint: string
  publicId(kind: 'user' | 'group', localId: string): string
  log: Logger
}

export class DomainDirectory {
  readonly domainId: string
  readonly fingerprint: string
  readonly #options: DomainDirectoryOptions
  #restsUntil = 0

  constructor(options: DomainDirectoryOptions) {
    this.domainId = options.domainId
    this.fingerprint = options.fingerprint
    this.#options = options
  }

  target(kind: 'user' | 'group'): MirrorTarget {
    return { domainId: this.domainId, idOf: (localId) => this.#options.publicId(kind, localId) }
  }

  /** Throws Unavailable when the directory cannot be used; the log says why. */
  async ask<T>(question: (directory: Directory) => Promise<T>): Promise<T> {
    if (Date.now() < this.#restsUntil) throw this.#unavailable()
    try {
      return await question(this.#options.directory)
    } catch (error) {
      if (!(error instanceof DirectoryDown)) throw error
      this.#restsUntil = Date.now() + restMs
      this.#options.log.error({ err: error, domainId: this.domainId }, 'the directory of a domain cannot be used')
      throw this.#unavailable(error)
    }
  }

  close(): Promise<void> {
    return this.#options.directory.close()
  }

  #unavailable(cause?: unknown): Unavailable {
    return new Unavailable(
      `The directory of domain ${this.domainId} does not answer. Try again later.`,
      cause === undefined ? {} : { cause },
    )
  }
}
