/**
 * The ledger of one network agent: what it has made on its host. A name is written down before the thing is made, so that
 * nothing is ever left that nobody knows of, and only what is written down is ever removed, by the agent that wrote it.
 */
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { replaceFile } from '../../../host/files.ts'
import { isErrno } from '../../../host/process.ts'
import { agentParts, type AgentPart } from '../rpc/parts.ts'

/** Tables are written `family name`; dnsmasq processes by their folder. */
export const ownedKinds = ['links', 'namespaces', 'dnsmasq', 'tables'] as const
export type OwnedKind = (typeof ownedKinds)[number]
export type Entries = Record<OwnedKind, string[]>

export const noEntries = (): Entries => ({ links: [], namespaces: [], dnsmasq: [], tables: [] })

/** Where a part keeps its ledger and what it follows. */
export const folderOf = (stateDir: string, part: AgentPart): string => join(stateDir, part)

/** Where the ledger is of what is nobody's any more (split.ts). */
export const nobodysFolder = (stateDir: string): string => join(stateDir, 'nobodys')

export const ledgerFile = (folder: string): string => join(folder, 'owned.json')

export class Owned {
  readonly #file: string
  readonly #content: Record<OwnedKind, Set<string>>
  #writing: Promise<void> = Promise.resolve()

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    this.#file = ledgerFile(folder)
    const { links, namespaces, dnsmasq, tables } = readEntries(folder)
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
        const entries = noEntries()
        for (const kind of ownedKinds) entries[kind] = this.list(kind)
        return replaceFile(this.#file, textOf(entries), 0o600)
      })
    this.#writing = next
    return next
  }
}

/** Links of all but this part, whatever process they run in: what is made is in a ledger on the disk by then. */
export function linksOfOthers(stateDir: string, part: AgentPart): Set<string> {
  const others = agentParts.filter((each) => each !== part).map((each) => folderOf(stateDir, each))
  return new Set([...others, nobodysFolder(stateDir)].flatMap((folder) => readEntries(folder).links))
}

export const textOf = (entries: Entries): string => `${JSON.stringify(entries, null, 2)}\n`

/** The ledger in a folder as it was written last; empty where there is none. */
export function readEntries(folder: string): Entries {
  return { ...noEntries(), ...readLedger(folder) }
}

function readLedger(folder: string): Partial<Entries> {
  try {
    return JSON.parse(readFileSync(ledgerFile(folder), 'utf8')) as Partial<Entries>
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return {}
    throw error
  }
}
