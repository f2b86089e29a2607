/** What processes of `nephos run` say of themselves, each in a file of its own, for `nephos status`. */
import {
  chownSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { controlUserOf, writeForControl } from '../deployment/control-user.ts'
import { asUser } from '../host/as-user.ts'
import type { RunAs } from '../host/command.ts'
import type { RoleState } from '../deployment/role-board.ts'
import { paths } from '../deployment/settings.ts'
import { isNephos, readStatus } from './status-file.ts'

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants

interface RunningProcess {
  pid: number
  roles: RoleState[]
}

const folderOf = (run: string) => join(run, 'processes')

/** Root's, of agents, and the control plane's. */
const foldersOf = (stateDir: string) => [paths(stateDir).run, paths(stateDir).runOfControl].map(folderOf)

export class ProcessFile {
  readonly #stateDir: string
  readonly #file: string

  constructor(stateDir: string) {
    const { run, runOfControl } = paths(stateDir)
    const folder = folderOf(process.getuid?.() === 0 ? run : runOfControl)
    const reader = controlUserOf(stateDir)
    mkdirSync(folder, { recursive: true, mode: reader ? 0o750 : 0o700 })
    if (reader) chownSync(folder, 0, reader.gid)
    this.#stateDir = stateDir
    this.#file = join(folder, `${process.pid}.json`)
  }

  /** A full disk keeps no role from running. */
  write(roles: readonly RoleState[]): void {
    try {
      writeForControl(this.#stateDir, this.#file, JSON.stringify({ pid: process.pid, roles }))
    } catch (error) {
      process.stderr.write(`the status cannot be written: ${error instanceof Error ? error.message : String(error)}\n`)
    }
  }

  remove(): void {
    rmSync(this.#file, { force: true })
  }
}

/** Those that live; the files of others are removed. */
export function readProcesses(stateDir: string): RunningProcess[] {
  const [ofRoot, ofControl] = foldersOf(stateDir)
  return [...readFolder(ofRoot!), ...readFolder(ofControl!, controlUserOf(stateDir))]
}

/** As the user whose folder it is: what it says may be anything. */
function readFolder(folder: string, user?: RunAs): RunningProcess[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => /^\d+\.json$/.test(name))
    .flatMap((name) => asUser(user, () => read(join(folder, name))) ?? [])
}

function read(file: string): RunningProcess | undefined {
  try {
    if (!isNephos(Number(basename(file, '.json')))) rmSync(file, { force: true })
    else return parse(readText(file))
  } catch {
    // Of another user, whose own commands remove it, or no such file.
  }
  return undefined
}

function readText(file: string): string {
  const handle = openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  try {
    return readFileSync(handle, 'utf8')
  } finally {
    closeSync(handle)
  }
}

function parse(text: string): RunningProcess | undefined {
  const found = JSON.parse(text) as RunningProcess
  return Array.isArray(found.roles) ? found : undefined
}

/** Throws where one of these agents runs already: each keeps files about its host, and two of a kind would believe their own. */
export function requireAlone(stateDir: string, agents: readonly string[]): void {
  const supervisor = readStatus(stateDir)
  const others = [...readProcesses(stateDir), ...(supervisor?.running ? [supervisor] : [])]
  for (const { pid, roles: theirs } of others) {
    const taken = theirs.filter(({ role }) => agents.includes(role)).map(({ role }) => role)
    if (taken.length > 0) throw new Error(`${taken.join(', ')} of this host already runs in process ${pid}`)
  }
}
