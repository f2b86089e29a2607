import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { cacheOf } from '../deployment/control-user.ts'
import { confine, type RunAs } from '../host/command.ts'
import { frugal, nodeFlags } from './node-flags.ts'
import { beatMs, type ChildMessage, type RoleState } from '../deployment/role-board.ts'

export interface ChildOptions {
  /** `control` or `agent`: src/cmd/<name>.ts. */
  name: string
  /** Another program, for tests. */
  file?: string
  patience?: Patience
  args: readonly string[]
  /** Another user than ours, without any privileges. */
  runAs?: RunAs
  onMessage(message: ChildMessage): void
  /** Called with the reason each time the process ends without being told to. */
  onDeath(reason: string): void
}

/** How long a main loop may stand still, in beats that are missing. */
interface Patience {
  everyMs: number
  missing: number
  /** Before it is ready: databases may have to be changed. */
  missingAtStart: number
}

const usualPatience: Patience = { everyMs: beatMs, missing: 15, missingAtStart: 120 }

/**
 * Keeps one process running: starts it again with growing pauses when it dies, and ends it when its main loop stands
 * still. Beats are counted, not timed: neither a clock that jumps nor a supervisor that stood still itself makes one missing.
 */
export class Supervised {
  readonly #options: ChildOptions
  #child: ChildProcess | undefined
  #stopping = false
  #pause = 100
  #timer: NodeJS.Timeout | undefined
  readonly #watch: NodeJS.Timeout
  /** Beats that did not come since the last word of the process. */
  #missing = 0
  #isReady = false
  #isHung = false
  roles: RoleState[] = []

  constructor(options: ChildOptions) {
    this.#options = options
    this.#spawn()
    this.#watch = setInterval(() => this.#look(), this.#patience.everyMs)
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  get #patience(): Patience {
    return this.#options.patience ?? usualPatience
  }

  #look() {
    const { missing, missingAtStart } = this.#patience
    if (!this.#child || this.#stopping || ++this.#missing <= (this.#isReady ? missing : missingAtStart)) return
    this.#isHung = true
    this.#child.kill('SIGKILL')
  }

  signal(name: NodeJS.Signals) {
    this.#child?.kill(name)
  }

  #spawn() {
    const file = this.#options.file ?? fileURLToPath(new URL(`./${this.#options.name}.ts`, import.meta.url))
    this.#missing = 0
    this.#isReady = false
    this.#isHung = false
    const started = performance.now()
    const { args, runAs } = this.#options
    const [execPath, ...execArgv] = confine([process.execPath, ...nodeFlags], { runAs })
    const child = fork(file, [...args], {
      execPath,
      execArgv,
      env: { ...process.env, ...frugal, ...(runAs && cacheOf(runAs)) },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // Ctrl-C of the terminal goes to the supervisor alone, which stops its children in order.
      detached: true,
    })
    this.#child = child
    let complaint = ''
    child.stderr?.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(-2000)))
    child.on('message', (message: ChildMessage) => {
      this.#missing = 0
      if (message.type === 'alive') return
      if (message.type === 'roles') this.roles = message.roles
      if (message.type === 'ready') {
        this.#pause = 100
        this.#isReady = true
      }
      this.#options.onMessage(message)
    })
    child.on('exit', (code, signal) => {
      this.#child = undefined
      if (this.#stopping) return
      const reason = this.#isHung
        ? 'its main loop stood still'
        : (reasonIn(complaint) ?? `ended with ${signal ?? `status ${code}`}`)
      this.roles = this.roles.map((role) => ({
        ...role,
        state: 'down',
        since: new Date().toISOString(),
        error: reason,
      }))
      this.#options.onDeath(reason)
      if (performance.now() - started > 60_000) this.#pause = 100
      this.#timer = setTimeout(() => this.#spawn(), this.#pause)
      this.#pause = Math.min(this.#pause * 2, 10_000)
    })
  }

  /** Ends the process: SIGTERM, then SIGKILL after `graceMs`. */
  async stop(graceMs = 10_000): Promise<void> {
    this.#stopping = true
    clearInterval(this.#watch)
    clearTimeout(this.#timer)
    const child = this.#child
    if (!child) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
      child.once('exit', () => (clearTimeout(timer), resolve()))
      child.kill('SIGTERM')
    })
  }
}

/** The sentence in what a process said at its end: the error's, without its stack and Node's own last line. */
function reasonIn(complaint: string): string | undefined {
  const lines = complaint.trim().split('\n')
  return lines.findLast((line) => /^\w*Error\b.*: /.test(line)) ?? lines.findLast((line) => /^\S/.test(line))
}
