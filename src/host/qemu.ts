/**
 * QEMU processes: starting, finding and ending them. They are detached (not by QEMU's `-daemonize`, which its
 * sandbox forbids): none depends on us, and one that was started
 * by an earlier process of ours is found again by its pid file's path. Durations are milliseconds.
 */
import { constants } from 'node:fs'
import { chmod, chown, mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { waitFor } from '../base/wait.ts'
import { CommandFailed, spawnDetached } from './command.ts'
import type { Limits, RunAs } from './command.ts'
import { readTextIfThere } from './files.ts'
import { isErrno, findProcesses, readPidFile, showProcess, stopProcess } from './process.ts'
import type { ProcessIdentity, RunningProcess } from './process.ts'
import { guestArguments } from './qemu-arguments.ts'
import type { GuestSpec } from './qemu-arguments.ts'
import { QmpDisconnected, connectQmp } from './qmp.ts'

export const qemuProgram = 'qemu-system-x86_64'

const tunHint = 'let users open it (chmod 0666 /dev/net/tun, as udev does): who may use a tap is decided by its owner'

/** Its folder may belong to the guest's user, who must not lead our writing elsewhere. */
const replaced = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW

/** Where what QEMU itself has to say is, by its pid file. */
export const processLog = (pidFile: string): string => `${pidFile}.log`

export type StartOptions = {
  netns?: string
  /** QEMU never is root then: its taps, disks and folder must belong to this user. */
  runAs?: RunAs
  limits?: Limits
  timeoutMs?: number
  signal?: AbortSignal
}
export type Guest = ProcessIdentity & { uuid: string; pidFile: string }

/**
 * Starts the guest and returns when QEMU has opened everything and answers. A guest that runs already is returned as it
 * is. The folders of its sockets and pid file are made if need be, for its user alone. What QEMU itself has to say is in `processLog`.
 */
export async function startGuest(spec: GuestSpec, options: StartOptions = {}): Promise<Guest> {
  const { netns, runAs, limits = {}, timeoutMs = 60_000, signal } = options
  const running = await findGuest(spec.pidFile, spec.uuid)
  if (running) return running

  const argv = [qemuProgram, ...guestArguments(spec)]
  const { qmpSocket, serialSocket, vncSocket, agentSocket, pidFile, consoleLog } = spec
  const sockets = [qmpSocket, serialSocket, vncSocket, agentSocket].filter((path) => path !== undefined)
  for (const folder of new Set([...sockets, pidFile].map((path) => dirname(path)))) {
    await ensurePrivateFolder(folder, runAs)
  }
  await mkdir(dirname(consoleLog), { recursive: true, mode: 0o700 })
  await ensurePrivateFile(consoleLog, runAs)

  const logFile = processLog(pidFile)
  const log = await open(logFile, replaced, 0o600)
  try {
    const bounds = { coreBytes: 0, ...limits }
    const pid = await spawnDetached(argv, { netns, runAs, limits: bounds, outputFd: log.fd })
    try {
      await waitUntilReady(pid, spec, { argv, logFile, timeoutMs, signal })
    } catch (error) {
      const left = await showProcess(pid)
      if (left) await stopProcess(left, { graceMs: 0 })
      throw error
    }
  } finally {
    await log.close()
  }
  // What lies in a folder of another user is not touched as root: it could be a link by now.
  if (!runAs) for (const socket of sockets) await chmod(socket, 0o600)

  const guest = await findGuest(pidFile, spec.uuid)
  if (!guest) throw await startFailure(argv, logFile)
  return guest
}

/** Ready is when QMP answers: by then every file, tap and socket has been opened. */
async function waitUntilReady(
  pid: number,
  { qmpSocket }: GuestSpec,
  { argv, logFile, timeoutMs, signal }: { argv: string[]; logFile: string; timeoutMs: number; signal?: AbortSignal },
): Promise<void> {
  const isReady = async () => {
    try {
      const qmp = await connectQmp(qmpSocket, { timeoutMs })
      qmp.close()
      return true
    } catch (error) {
      if (!(error instanceof QmpDisconnected)) throw error
      if (!(await showProcess(pid))) throw await startFailure(argv, logFile)
      return false
    }
  }
  await waitFor(isReady, { what: 'start of QEMU', timeoutMs, intervalMs: 10, signal })
}

async function startFailure(argv: string[], logFile: string): Promise<CommandFailed> {
  const stderr = (await readTextIfThere(logFile))?.slice(-4096)
  const hint = stderr?.includes('/dev/net/tun: Permission denied') ? tunHint : undefined
  return new CommandFailed({ argv, reason: 'exit', stderr, hint })
}

/** The process in the pid file, if it lives and really is this guest. */
export async function findGuest(pidFile: string, uuid: string): Promise<Guest | undefined> {
  const pid = await readPidFile(pidFile)
  const found = pid === undefined ? undefined : await showProcess(pid)
  const guest = found && asGuest(found)
  return guest?.uuid === uuid && guest.pidFile === pidFile ? guest : undefined
}

export async function isAlive(pidFile: string, uuid: string): Promise<boolean> {
  return (await findGuest(pidFile, uuid)) !== undefined
}

/** All guests whose pid file is below this folder, also those whose pid file has been lost. */
export async function findGuests(dir: string): Promise<Guest[]> {
  const folder = dir.endsWith('/') ? dir : `${dir}/`
  const found = await findProcesses((argv) => isQemu(argv) && (optionOf(argv, '-pidfile') ?? '').startsWith(folder))
  return found.map(asGuest).filter((guest) => guest !== undefined)
}

/** Like pulling the plug: asks QEMU to end, and kills it when it does not within `graceMs`. */
export async function killGuest(
  pidFile: string,
  uuid: string,
  { graceMs = 3000 } = {},
): Promise<'gone' | 'stopped' | 'killed'> {
  const guest = await findGuest(pidFile, uuid)
  return guest ? await stopProcess(guest, { graceMs }) : 'gone'
}

function asGuest(found: RunningProcess): Guest | undefined {
  const { argv, pid, startTicks } = found
  const uuid = optionOf(argv, '-uuid')
  const pidFile = optionOf(argv, '-pidfile')
  if (!isQemu(argv) || uuid === undefined || pidFile === undefined) return undefined
  return { pid, startTicks, uuid, pidFile }
}

function isQemu(argv: readonly string[]): boolean {
  return argv[0]?.split('/').at(-1)?.startsWith('qemu-system-') ?? false
}

function optionOf(argv: readonly string[], option: string): string | undefined {
  const index = argv.indexOf(option)
  return index < 0 ? undefined : argv[index + 1]
}

async function ensurePrivateFolder(folder: string, runAs: RunAs | undefined): Promise<void> {
  const firstMade = await mkdir(folder, { recursive: true, mode: 0o700 })
  // QEMU makes its sockets by the umask; the folder is what keeps others out from the first moment on.
  await chmod(folder, 0o700)
  if (runAs) await chown(folder, runAs.uid, runAs.gid)
  if (runAs && firstMade !== undefined && firstMade !== folder) await chmod(firstMade, 0o711)
}

async function ensurePrivateFile(file: string, runAs: RunAs | undefined): Promise<void> {
  try {
    const handle = await open(file, 'ax', 0o600)
    if (runAs) await handle.chown(runAs.uid, runAs.gid)
    await handle.close()
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error
  }
}
