/** Programs of python-openstackclient, keystonemiddleware and keystoneauth as the tests use them, with Debian's Python. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** Not the first in PATH, which may know nothing of Debian's packages. */
export const python = '/usr/bin/python3'

export interface Ran {
  code: number
  stdout: string
  stderr: string
}

/** A program that answers every line with a line. */
export class LineProgram {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #lines: AsyncIterator<string>
  #complaints = ''

  constructor(script: string, args: readonly string[], env: Record<string, string>) {
    this.#child = spawn(python, [join(import.meta.dirname, script), ...args], { env: { ...process.env, ...env } })
    this.#child.stderr.on('data', (chunk: Buffer) => (this.#complaints += chunk.toString()))
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
  }

  async read(): Promise<string> {
    const { value, done } = (await this.#lines.next()) as { value: string; done: boolean }
    if (done) throw new Error(`the program ended:\n${this.#complaints}`)
    return value
  }

  /** One at a time. */
  ask(request: unknown): Promise<string> {
    this.#child.stdin.write(`${JSON.stringify(request)}\n`)
    return this.read()
  }

  end(): void {
    this.#child.kill()
  }
}

/** Words of a command line; single quotes keep spaces. */
export const words = (line: string): string[] => [...line.matchAll(/'([^']*)'|(\S+)/g)].map((m) => m[1] ?? m[2]!)

/** `openstack`, without the second that every start of it takes. */
export class Openstack {
  readonly #env: Record<string, string>
  /** The client keeps whom it logged in as: a process for each environment. */
  readonly #programs = new Map<string, LineProgram>()
  /** The commands that ran, e.g. `project create`, by their first words. */
  readonly ran = new Set<string>()

  constructor(env: Record<string, string>) {
    this.#env = env
  }

  #programFor(env: Record<string, string>): LineProgram {
    const key = JSON.stringify(env)
    const known = this.#programs.get(key) ?? new LineProgram('run_commands.py', [], { ...this.#env, ...env })
    this.#programs.set(key, known)
    return known
  }

  /** Runs a command with `env` on top of the common one; an empty value is as none. */
  async run(line: string, env: Record<string, string> = {}): Promise<Ran> {
    const argv = words(line)
    for (let count = 1; count <= 4; count++) this.ran.add(argv.slice(0, count).join(' '))
    return JSON.parse(await this.#programFor(env).ask(argv)) as Ran
  }

  /** Throws unless it succeeds. */
  async do(line: string, env: Record<string, string> = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(line, env)
    if (code !== 0 || stderr !== '') throw new Error(`openstack ${line}: ${code}\n${stdout}${stderr}`)
    return stdout
  }

  /** What the command prints with `-f json`. */
  async get<T = Record<string, unknown>>(line: string, env: Record<string, string> = {}): Promise<T> {
    return JSON.parse(await this.do(`${line} -f json`, env)) as T
  }

  end(): void {
    for (const program of this.#programs.values()) program.end()
  }
}
