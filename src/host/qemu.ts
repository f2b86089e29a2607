/**
 * QEMU processes: starting, finding and ending them. They are detached: none depends on us, and one that was started
 * by an earlier process of ours is found again by its pid file's path. Durations are milliseconds.
 */
import { chmod, chown, mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CommandFailed, run } from './command.ts'
import type { Limits, RunAs } from './command.ts'
import { isErrno, findProcesses, readPidFile, showProcess, stopProcess } from './process.ts'
import type { ProcessIdentity, RunningProcess } from './process.ts'
import { guestArguments } from './qemu-arguments.ts'
import type { GuestSpec } from './qemu-arguments.ts'

export const qemuProgram = 'qemu-system-x86_64'

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
 * Starts the guest and returns when QEMU has opened everything and runs in the background. A guest that runs already
 * is returned as it is. The folders of its sockets are made if need be, for its user alone.
 */
export async function startGuest(spec: GuestSpec, options: StartOptions = {}): Promise<Guest> {
  const { netns, runAs, limits = {}, timeoutMs = 60_000, signal } = options
  const running = await findGuest(spec.pidFile, spec.uuid)
  if (running) return running

  const argv = [qemuProgram, ...guestArguments(spec)]
  const sockets = [spec.qmpSocket, spec.serialSocket, spec.vncSocket, spec.agentSocket].filter(
    (path) => path !== undefined,
  )
  for (const folder of new Set([...sockets, spec.pidFile, spec.consoleLog].map((path) => dirname(path)))) {
    await ensurePrivateFolder(folder, runAs)
  }
  await ensurePrivateFile(spec.consoleLog, runAs)
  await run(argv, { netns, runAs, limits: { coreBytes: 0, ...limits }, timeoutMs, signal })
  for (const socket of sockets) await chmod(socket, 0o600)

  const guest = await findGuest(spec.pidFile, spec.uuid)
  if (!guest) throw new CommandFailed({ argv, reason: 'exit', hint: 'QEMU started and ended at once' })
  return guest
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
