/**
 * Processes that are not our children: daemons known by pid file and /proc. A process is a pid together with its start
 * time, so that a reused pid is never taken for it. Durations are milliseconds.
 */
import { readFile, readdir, readlink } from 'node:fs/promises'
import { waitFor, TimedOut } from '../base/wait.ts'

/** `startTicks` counts clock ticks since boot and tells two owners of one pid apart. */
export type ProcessIdentity = { pid: number; startTicks: number }
export type RunningProcess = ProcessIdentity & { argv: string[] }

/** The pid in a file, or undefined when there is no such file or no number in it. */
export async function readPidFile(file: string): Promise<number | undefined> {
  const text = await readIfThere(file)
  const pid = Number(text?.trim())
  return text?.trim() && Number.isSafeInteger(pid) && pid > 0 ? pid : undefined
}

/** A living process, or undefined. Zombies do not live. */
export async function showProcess(pid: number): Promise<RunningProcess | undefined> {
  const [stat, cmdline] = await Promise.all([readIfThere(`/proc/${pid}/stat`), readIfThere(`/proc/${pid}/cmdline`)])
  if (stat === undefined || cmdline === undefined) return undefined
  // The second field is the program's name in parentheses and may hold anything, so count from its end.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined
  return { pid, startTicks: Number(fields[19]), argv: cmdline.replace(/\0$/, '').split('\0') }
}

export async function isRunning({ pid, startTicks }: ProcessIdentity): Promise<boolean> {
  return (await showProcess(pid))?.startTicks === startTicks
}

/** Every process whose argument vector `accepts`; kernel threads have none and are left out. */
export async function findProcesses(accepts: (argv: readonly string[]) => boolean): Promise<RunningProcess[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const all = await Promise.all(pids.map(showProcess))
  return all.filter((each) => each !== undefined).filter(({ argv }) => argv[0] !== '' && accepts(argv))
}

/** The network namespace a process is in, as `net:[inode]`. */
export async function netnsOf(pid: number): Promise<string | undefined> {
  try {
    return await readlink(`/proc/${pid}/ns/net`)
  } catch {
    return undefined
  }
}

/** Returns false when the process was gone already. */
export async function signalProcess(process_: ProcessIdentity, signal: NodeJS.Signals): Promise<boolean> {
  if (!(await isRunning(process_))) return false
  try {
    return process.kill(process_.pid, signal)
  } catch (error) {
    if (isErrno(error, 'ESRCH')) return false
    throw error
  }
}

export async function waitForExit(process_: ProcessIdentity, timeoutMs: number): Promise<void> {
  const what = `exit of process ${process_.pid}`
  await waitFor(async () => !(await isRunning(process_)), { what, timeoutMs, intervalMs: 10 })
}

/** SIGTERM, and SIGKILL after `graceMs`. Returns how it ended; a process that survives SIGKILL is a `TimedOut`. */
export async function stopProcess(
  process_: ProcessIdentity,
  { graceMs, killMs = 5000 }: { graceMs: number; killMs?: number },
): Promise<'gone' | 'stopped' | 'killed'> {
  if (!(await signalProcess(process_, 'SIGTERM'))) return 'gone'
  try {
    await waitForExit(process_, graceMs)
    return 'stopped'
  } catch (error) {
    if (!(error instanceof TimedOut)) throw error
  }
  await signalProcess(process_, 'SIGKILL')
  await waitForExit(process_, killMs)
  return 'killed'
}

export function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ESRCH')) return undefined
    throw error
  }
}
