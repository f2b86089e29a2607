/** What a part of the agents last carried out for a neutron-server whose word counts, over restarts. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { replaceFile } from '../../../host/files.ts'
import type { Logger } from '../../../platform/log/log.ts'
import type { HostState } from '../rpc/host-state.ts'
import { describeKept, withKept } from './keep.ts'

export interface Followed {
  epoch: string
  /** The name that this host had; absent where an earlier version wrote it. */
  host?: string
  state: HostState
}

export const followedFile = (folder: string): string => join(folder, 'followed.json')

export class FollowedState {
  readonly #file: string
  readonly #host: string
  readonly #log: Logger
  #last: Followed | null = null
  #kept: string | null = null

  constructor(folder: string, host: string, log: Logger) {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    this.#host = host
    this.#log = log
    this.#file = followedFile(folder)
    if (existsSync(this.#file)) this.#last = JSON.parse(readFileSync(this.#file, 'utf8')) as Followed | null
  }

  /** Where in the database's history that was, and under which name; null at the first time. */
  get position(): { epoch: string; revision: number; host: string } | null {
    if (this.#last === null) return null
    const { epoch, state, host = this.#host } = this.#last
    return { epoch, revision: state.revision, host }
  }

  /** What stays although the server does not name it; null while its word counts. */
  get kept(): string | null {
    return this.#kept
  }

  /** The state to bring about: the server's, and what it may have forgotten besides. Call before anything is made of it. */
  async take(state: HostState, { epoch, isSuccessor }: { epoch: string; isSuccessor: boolean }): Promise<HostState> {
    if (!isSuccessor && this.#last) {
      const all = withKept(this.#last.state, state)
      if (!isDeepStrictEqual(all, state)) {
        this.#keep(describeKept(this.#last.state, state) ?? 'parts of routers and of DHCP')
        return all
      }
    }
    this.#kept = null
    await this.#save({ epoch, host: this.#host, state })
    return state
  }

  /** An operator's word: whatever the server says next counts. */
  async forget(): Promise<void> {
    await this.#save(null)
  }

  #keep(kept: string) {
    if (kept !== this.#kept) this.#log.warn({ kept }, 'what the network database does not name is kept')
    this.#kept = kept
  }

  async #save(last: Followed | null) {
    this.#last = last
    try {
      await replaceFile(this.#file, JSON.stringify(last), 0o600)
    } catch (error) {
      // A full disk: what was written before is older, by which less is removed, not more.
      this.#log.warn({ err: error }, 'what this agent follows cannot be written down')
    }
  }
}
