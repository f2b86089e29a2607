/**
 * Running system programs: always as an argument vector, never through a shell, with a minimal environment, a deadline
 * (ms) and a bound on output (bytes). A program that fails is a `CommandFailed`; one that is not installed says which
 * Debian package has it.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess, StdioOptions } from 'node:child_process'
import { debianPackageOf, findProgram, searchPath } from './packages.ts'
import { absolutePath, netnsName, wholeNumber } from './safe-text.ts'

export type FailureReason = 'exit' | 'signal' | 'timeout' | 'too much output' | 'missing program' | 'aborted'

export type CommandFailure = {
  argv: readonly string[]
  reason: FailureReason
  exitCode?: number | null
  signal?: NodeJS.Signals | null
  stderr?: string
  hint?: string
  cause?: unknown
}

export class CommandFailed extends Error {
  override name = 'CommandFailed'
  readonly argv: readonly string[]
  readonly reason: FailureReason
  readonly exitCode: number | null
  /** The end of what the program complained about. */
  readonly stderr: string
  readonly hint: string | undefined

  constructor(failure: CommandFailure) {
    const { argv, reason, exitCode = null, signal, stderr = '', hint, cause } = failure
    const how = {
      exit: exitCode === null ? 'ended' : `exited with ${exitCode}`,
      signal: `was killed by ${signal ?? 'a signal'}`,
      timeout: 'took too long and was killed',
      'too much output': 'wrote too much and was killed',
      'missing program': 'is not installed',
      aborted: 'was aborted',
    }[reason]
    const complaint = lastLine(stderr)
    super([`${argv[0]} ${how}`, complaint, hint].filter(Boolean).join(': '), { cause })
    this.argv = argv
    this.reason = reason
    this.exitCode = exitCode
    this.stderr = stderr
    this.hint = hint
  }
}

/** The identity a program gets instead of root. */
export type RunAs = { uid: number; gid: number; groups?: readonly number[] }
/** Resource limits, as in prlimit(1): bytes, seconds, counts. */
export type Limits = {
  addressSpaceBytes?: number
  cpuSeconds?: number
  fileSizeBytes?: number
  openFiles?: number
  coreBytes?: number
  /** Of the first thread, and of each other where the program says nothing. */
  stackBytes?: number
}
/** The box a program runs in. */
export type Confinement = {
  /** Name of a network namespace in /run/netns; without it the caller's own. */
  netns?: string
  runAs?: RunAs
  limits?: Limits
  /** Gives the program an empty network namespace of its own. */
  withoutNetwork?: boolean
}

export type RunOptions = Confinement & {
  timeoutMs?: number
  maxOutputBytes?: number
  input?: string | Uint8Array
  cwd?: string
  env?: Readonly<Record<string, string>>
  signal?: AbortSignal
}
export type Output = { stdout: string; stderr: string }

const stderrTailBytes = 4096
/** A daemon may keep our pipes open after its parent has exited; we do not wait for it. */
const openPipesGraceMs = 500

export const minimalEnvironment: Readonly<Record<string, string>> = { PATH: searchPath, LANG: 'C', LC_ALL: 'C' }

/** The full argument vector of a program in its box: each wrapper executes the next, so the process id is the program's. */
export function confine(argv: readonly string[], { netns, runAs, limits, withoutNetwork }: Confinement): string[] {
  const wrapped: string[] = []
  // nsenter and not `ip netns exec`: that one would also give a private mount namespace with another /sys.
  if (netns !== undefined) wrapped.push('nsenter', `--net=/run/netns/${netnsName(netns)}`, '--')
  // Without privileges a network of one's own takes users of one's own.
  if (withoutNetwork) wrapped.push('unshare', ...(isRoot() ? [] : ['--user']), '--net', '--')
  const bounds = limits ? limitArguments(limits) : []
  if (bounds.length > 0) wrapped.push('prlimit', ...bounds, '--')
  if (runAs) {
    const { uid, gid, groups = [] } = runAs
    const ids = [uid, gid, ...groups].map((id) => wholeNumber('user or group id', id, 0))
    wrapped.push('setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--no-new-privs', '--inh-caps=-all')
    wrapped.push(groups.length > 0 ? `--groups=${ids.slice(2).join(',')}` : '--clear-groups', '--')
  }
  return [...wrapped, ...argv]
}

/** Runs a program to its end and returns what it wrote. */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<Output> {
  const { timeoutMs = 30_000, maxOutputBytes = 16 * 1024 * 1024, input, signal } = options
  const child = await spawnConfined(argv, options, [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'], {
    cwd: options.cwd,
    env: options.env,
  })
  const fail = (failure: Omit<CommandFailure, 'argv'>) => new CommandFailed({ argv, ...failure })

  return await new Promise<Output>((resolve, reject) => {
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    let outputBytes = 0
    let reason: FailureReason | undefined
    let grace: NodeJS.Timeout | undefined

    const killBecause = (why: FailureReason) => {
      reason ??= why
      killGroup(child)
    }
    const timer = setTimeout(() => killBecause('timeout'), timeoutMs)
    const onAbort = () => killBecause('aborted')
    signal?.addEventListener('abort', onAbort, { once: true })
    if (signal?.aborted) onAbort()

    const collect = (into: Buffer[]) => (chunk: Buffer) => {
      outputBytes += chunk.length
      if (outputBytes > maxOutputBytes) killBecause('too much output')
      else into.push(chunk)
    }
    child.stdout?.on('data', collect(stdout))
    child.stderr?.on('data', collect(stderr))
    child.stdin?.on('error', () => {}) // the program may exit without reading all of its input; its exit code tells
    if (input !== undefined) child.stdin?.end(input)

    const settle = (exitCode: number | null, killedBy: NodeJS.Signals | null) => {
      clearTimeout(timer)
      clearTimeout(grace)
      signal?.removeEventListener('abort', onAbort)
      child.stdout?.destroy()
      child.stderr?.destroy()
      const complaint = Buffer.concat(stderr).toString()
      if (reason === undefined && exitCode === 0) {
        resolve({ stdout: Buffer.concat(stdout).toString(), stderr: complaint })
        return
      }
      reason ??= killedBy ? 'signal' : 'exit'
      const tail = complaint.slice(-stderrTailBytes)
      reject(fail({ reason, exitCode, signal: killedBy, stderr: tail, hint: hintFor(tail) }))
    }
    child.once('error', (cause) => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      reject(fail({ reason: 'missing program', cause }))
    })
    child.once('exit', (exitCode, killedBy) => {
      grace = setTimeout(() => settle(exitCode, killedBy), openPipesGraceMs)
    })
    child.once('close', settle)
  })
}

/** Starts a program and returns while it runs; the caller listens to it and ends it. stdin is closed, the rest piped. */
export async function spawnChild(argv: readonly string[], options: Confinement = {}): Promise<ChildProcess> {
  return await spawnConfined(argv, options, ['ignore', 'pipe', 'pipe'], {})
}

/** Starts a program that outlives us, in a session of its own, with its output in an open file; returns its process id. */
export async function spawnDetached(
  argv: readonly string[],
  options: Confinement & { outputFd?: number; cwd?: string; env?: Readonly<Record<string, string>> } = {},
): Promise<number> {
  const { outputFd = 'ignore', cwd, env } = options
  const child = await spawnConfined(argv, options, ['ignore', outputFd, outputFd], { cwd, env })
  child.unref()
  if (child.pid === undefined) throw new CommandFailed({ argv, reason: 'missing program' })
  return child.pid
}

/** For children that need special stdio, such as an ipc channel. */
export async function spawnConfined(
  argv: readonly string[],
  confinement: Confinement,
  stdio: StdioOptions,
  { cwd = '/', env }: { cwd?: string; env?: Readonly<Record<string, string>> | undefined },
): Promise<ChildProcess> {
  const [program, ...rest] = argv
  if (program === undefined) throw new TypeError('an empty argument vector')
  for (const word of argv) {
    if (word.includes('\0')) throw new TypeError(`${program}: an argument has a NUL character`)
  }
  const path = await findProgram(program)
  if (path === undefined) throw missingProgram(argv, program)
  const [first = path, ...others] = confine([path, ...rest], confinement)
  const wrapper = first === path ? path : await findProgram(first)
  if (wrapper === undefined) throw missingProgram(argv, first)

  const child = spawn(wrapper, others, {
    cwd: absolutePath('working folder', cwd),
    env: { ...minimalEnvironment, ...env },
    stdio,
    shell: false,
    detached: true,
  })
  // Failures to start arrive as an event; without a listener they would end this process.
  child.on('error', () => {})
  return child
}

function limitArguments(limits: Limits): string[] {
  const flags: [string, number | undefined][] = [
    ['as', limits.addressSpaceBytes],
    ['cpu', limits.cpuSeconds],
    ['fsize', limits.fileSizeBytes],
    ['nofile', limits.openFiles],
    ['core', limits.coreBytes],
    ['stack', limits.stackBytes],
  ]
  return flags.flatMap(([flag, value]) =>
    value === undefined ? [] : [`--${flag}=${wholeNumber(`limit ${flag}`, value, 0)}:${value}`],
  )
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    child.kill('SIGKILL')
  }
}

function missingProgram(argv: readonly string[], program: string): CommandFailed {
  const debianPackage = debianPackageOf(program)
  const hint = debianPackage ? `install the Debian package ${debianPackage}` : `${program} is not in ${searchPath}`
  return new CommandFailed({ argv: [program, ...argv.slice(1)], reason: 'missing program', hint })
}

const isRoot = () => process.geteuid?.() === 0

const userNamespacesHint =
  'users may make no namespaces here (see sysctl kernel.unprivileged_userns_clone and kernel.apparmor_restrict_unprivileged_userns)'

function hintFor(stderr: string): string | undefined {
  if (/Operation not permitted|Permission denied|must be root/i.test(stderr)) {
    if (isRoot()) return undefined
    return /^unshare: /m.test(stderr) ? userNamespacesHint : 'this needs root'
  }
  if (/reassociate to namespace|cannot open \/run\/netns/.test(stderr)) return 'the network namespace does not exist'
  return undefined
}

function lastLine(text: string): string | undefined {
  return text.trimEnd().split('\n').at(-1)?.slice(0, 300)
}
