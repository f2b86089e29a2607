import { existsSync, readFileSync } from 'node:fs'
import type { Arguments } from './arguments.ts'
import type { RoleState } from './roles.ts'
import { paths, writePrivate } from './settings.ts'

/** What the supervisor writes whenever a role changes. */
export interface CloudStatus {
  pid: number
  pids: Record<string, number | undefined>
  ready: boolean
  startedAt: string
  roles: RoleState[]
  /** What did not go as it should and stops nothing. */
  remarks: string[]
}

/** The last status of a cloud; `running` tells whether its supervisor lives. */
export function readStatus(stateDir: string): (CloudStatus & { running: boolean }) | undefined {
  const file = paths(stateDir).status
  if (!existsSync(file)) return undefined
  const status = JSON.parse(readFileSync(file, 'utf8')) as CloudStatus
  return { ...status, running: isSupervisor(status.pid) }
}

export const writeStatus = (stateDir: string, status: CloudStatus) =>
  writePrivate(paths(stateDir).status, JSON.stringify(status))

/** A process id may have been given to another program meanwhile. */
function isSupervisor(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('src/cmd/main.ts')
  } catch {
    return false
  }
}

/** `nephos status`: exit status 0 when the cloud runs and every role is up, else 1. */
export async function status(args: Arguments): Promise<number> {
  const found = readStatus(args.stateDir)
  if (!found?.running) {
    const roles = (found?.roles ?? []).map((role) => ({ ...role, state: 'down' as const }))
    if (args.json) console.log(JSON.stringify({ running: false, ready: false, roles }))
    else
      console.log(`The cloud in ${args.stateDir} is not running. Start it with: nephos up --state-dir ${args.stateDir}`)
    return 1
  }
  if (args.json)
    console.log(
      JSON.stringify({
        running: true,
        ready: found.ready,
        pid: found.pid,
        pids: found.pids,
        startedAt: found.startedAt,
        roles: found.roles,
        remarks: found.remarks,
      }),
    )
  else for (const line of [...table(found.roles), ...found.remarks]) console.log(line)
  return found.roles.every((role) => role.state === 'up') && found.ready ? 0 : 1
}

function table(roles: readonly RoleState[]): string[] {
  const width = Math.max(4, ...roles.map((role) => role.role.length))
  const row = (role: string, state: string, since: string, error: string) =>
    `${role.padEnd(width)}  ${state.padEnd(8)}  ${since.padEnd(24)}  ${error}`.trimEnd()
  return [
    row('ROLE', 'STATE', 'SINCE', 'LAST ERROR'),
    ...roles.map((each) => row(each.role, each.state, each.since, (each.error ?? '').replaceAll('\n', '; '))),
  ]
}
