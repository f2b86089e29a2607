/** The bus that agents and further processes of a cloud on this host come together at. */
export const busRole = 'nephos-bus'

/** What a role (what an OpenStack daemon is) says of itself, for `nephos status`. */
export interface RoleState {
  role: string
  /** `unknown` is said by `nephos status` alone, where nobody can tell. */
  state: 'starting' | 'up' | 'down' | 'unknown'
  /** ISO time of the last change of `state`. */
  since: string
  error: string | null
}

/** What a child process tells its supervisor. */
export type ChildMessage =
  | { type: 'alive' }
  | { type: 'roles'; roles: RoleState[] }
  | { type: 'ready' }
  | { type: 'remark'; text: string }
  | { type: 'failed'; error: string }

/** Keeps the states of the roles of one process and tells `changed` about each change. */
export class RoleBoard {
  readonly #roles = new Map<string, RoleState>()
  readonly #changed: (roles: RoleState[]) => void

  constructor(changed: (roles: RoleState[]) => void) {
    this.#changed = changed
  }

  set(role: string, state: RoleState['state'], error: string | null = null) {
    const before = this.#roles.get(role)
    if (before?.state === state && before.error === error) return
    const since = before?.state === state ? before.since : new Date().toISOString()
    this.#roles.set(role, { role, state, since, error })
    this.#changed(this.list())
  }

  list(): RoleState[] {
    return [...this.#roles.values()]
  }
}

export const beatMs = 1000

/** Tells the supervisor again and again that the main loop of this process turns. */
export function beat(everyMs = beatMs) {
  let isSent = true
  setInterval(() => {
    // A supervisor that stands still must not be told the same a thousand times later.
    if (!isSent || !process.connected) return
    isSent = false
    process.send?.({ type: 'alive' } satisfies ChildMessage, () => (isSent = true))
  }, everyMs).unref()
}

/** Sends a message to the supervisor; a process that was started by hand has none. */
export function tell(message: ChildMessage) {
  if (process.connected) process.send?.(message)
}
