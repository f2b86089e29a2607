/** What processes of `nephos run` say of themselves, each in a file of its own, for `nephos status`. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { writePrivate } from '../deployment/private-file.ts'
import type { RoleState } from '../deployment/role-board.ts'
import { paths } from '../deployment/settings.ts'
import { isNephos, readStatus } from './status-file.ts'

interface RunningProcess {
  pid: number
  roles: RoleState[]
}

const folderOf = (stateDir: string) => join(paths(stateDir).run, 'processes')

export class ProcessFile {
  readonly #file: string

  constructor(stateDir: string) {
    mkdirSync(folderOf(stateDir), { recursive: true, mode: 0o700 })
    this.#file = join(folderOf(stateDir), `${process.pid}.json`)
  }

  /** A full disk keeps no role from running. */
  write(roles: readonly RoleState[]): void {
    try {
      writePrivate(this.#file, JSON.stringify({ pid: process.pid, roles }))
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
  const folder = folderOf(stateDir)
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => /^\d+\.json$/.test(name))
    .flatMap((name) => {
      const pid = Number(name.split('.')[0])
      if (isNephos(pid)) return [JSON.parse(readFileSync(join(folder, name), 'utf8')) as RunningProcess]
      rmSync(join(folder, name), { force: true })
      return []
    })
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
