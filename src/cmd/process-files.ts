/** What processes of `nephos run` say of themselves, each in a file of its own, for `nephos status`. */
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { controlUserOf, writeForControl } from '../deployment/control-user.ts'
import type { RoleState } from '../deployment/role-board.ts'
import { paths } from '../deployment/settings.ts'
import { isNephos } from './status-file.ts'

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
  return foldersOf(stateDir)
    .filter((folder) => existsSync(folder))
    .flatMap((folder) =>
      readdirSync(folder)
        .filter((name) => /^\d+\.json$/.test(name))
        .flatMap((name) => read(join(folder, name)) ?? []),
    )
}

function read(file: string): RunningProcess | undefined {
  if (isNephos(Number(basename(file, '.json')))) return JSON.parse(readFileSync(file, 'utf8')) as RunningProcess
  try {
    rmSync(file, { force: true })
  } catch {
    // Of another user, whose own commands remove it.
  }
  return undefined
}
