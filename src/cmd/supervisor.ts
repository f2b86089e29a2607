import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { frugal, nodeFlags } from './node-flags.ts'
import type { ChildMessage, RoleState } from './roles.ts'

export interface ChildOptions {
  /** `control` or `agent`: src/cmd/<name>.ts. */
  name: string
  args: readonly string[]
  onMessage(message: ChildMessage): void
  /** Called with the reason each time the process ends without being told to. */
  onDeath(reason: string): void
}

/** Keeps one process running: starts it again with growing pauses when it dies. */
export class Supervised {
  readonly #options: ChildOptions
  #child: ChildProcess | undefined
  #stopping = false
  #pause = 100
  #timer: NodeJS.Timeout | undefined
  roles: RoleState[] = []

  constructor(options: ChildOptions) {
    this.#options = options
    this.#spawn()
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  signal(name: NodeJS.Signals) {
    this.#child?.kill(name)
  }

  #spawn() {
    const file = fileURLToPath(new URL(`./${this.#options.name}.ts`, import.meta.url))
    const started = Date.now()
    const child = fork(file, [...this.#options.args], {
      execArgv: [...nodeFlags],
      env: { ...process.env, ...frugal },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // Ctrl-C of the terminal goes to the supervisor alone, which stops its children in order.
      detached: true,
    })
    this.#child = child
    let complaint = ''
    child.stderr?.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(-2000)))
    child.on('message', (message: ChildMessage) => {
      if (message.type === 'roles') this.roles = message.roles
      if (message.type === 'ready') this.#pause = 100
      this.#options.onMessage(message)
    })
    child.on('exit', (code, signal) => {
      this.#child = undefined
      if (this.#stopping) return
      const reason = reasonIn(complaint) ?? `ended with ${signal ?? `status ${code}`}`
      this.roles = this.roles.map((role) => ({
        ...role,
        state: 'down',
        since: new Date().toISOString(),
        error: reason,
      }))
      this.#options.onDeath(reason)
      if (Date.now() - started > 60_000) this.#pause = 100
      this.#timer = setTimeout(() => this.#spawn(), this.#pause)
      this.#pause = Math.min(this.#pause * 2, 10_000)
    })
  }

  /** Ends the process: SIGTERM, then SIGKILL after `graceMs`. */
  async stop(graceMs = 10_000): Promise<void> {
    this.#stopping = true
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
