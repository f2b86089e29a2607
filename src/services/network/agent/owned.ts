/**
 * What this agent has made on its host. A name is written down before the thing is made, so that nothing is ever left
 * that nobody knows of, and only what is written down is ever removed.
 */
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { replaceFile } from '../../../host/files.ts'
import { isErrno } from '../../../host/process.ts'

/** Tables are written `family name`; dnsmasq processes by their folder. */
export type OwnedKind = 'links' | 'namespaces' | 'dnsmasq' | 'tables'
type Content = Record<OwnedKind, string[]>

export class Owned {
  readonly #file: string
  readonly #content: Record<OwnedKind, Set<string>>
  #writing: Promise<void> = Promise.resolve()

  constructor(stateDir: string) {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 })
    this.#file = join(stateDir, 'owned.json')
    const { links, namespaces, dnsmasq, tables } = read(this.#file)
    this.#content = {
      links: new Set(links),
      namespaces: new Set(namespaces),
      dnsmasq: new Set(dnsmasq),
      tables: new Set(tables),
    }
  }

  list(kind: OwnedKind): string[] {
    return [...this.#content[kind]]
  }

  has(kind: OwnedKind, name: string): boolean {
    return this.#content[kind].has(name)
  }

  /** Call before making it. */
  async claim(kind: OwnedKind, name: string): Promise<void> {
    if (this.#content[kind].has(name)) return
    this.#content[kind].add(name)
    await this.#write()
  }

  /** Call after removing it. */
  async release(kind: OwnedKind, name: string): Promise<void> {
    if (this.#content[kind].delete(name)) await this.#write()
  }

  #write(): Promise<void> {
    const next = this.#writing
      .catch(() => undefined)
      .then(() => {
        const plain = Object.fromEntries(Object.entries(this.#content).map(([kind, names]) => [kind, [...names]]))
        return replaceFile(this.#file, `${JSON.stringify(plain, null, 2)}\n`, 0o600)
      })
    this.#writing = next
    return next
  }
}

function read(file: string): Partial<Content> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Partial<Content>
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return {}
    throw error
  }
}
