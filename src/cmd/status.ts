import type { Arguments } from './arguments.ts'
import { periodicTable, readPeriodics, troubles } from './periodics.ts'
import { probeRoles } from './probe.ts'
import type { RoleState } from '../deployment/role-board.ts'
import { readSettings } from '../deployment/settings.ts'
import { readProcesses } from './process-files.ts'
import { readStatus, type ReadStatus } from './status-file.ts'

/** `nephos status`: exit status 0 when the cloud runs and every role is up, else 1. */
export async function status(args: Arguments): Promise<number> {
  const found = readStatus(args.stateDir)
  const processes = readProcesses(args.stateDir)
  if (!found?.running && processes.length > 0) return showProcesses(args, processes)
  if (!found?.running) {
    const roles = (found?.roles ?? []).map((role) => ({ ...role, state: 'down' as const }))
    if (args.json) console.log(JSON.stringify({ running: false, ready: false, roles }))
    else
      console.log(`The cloud in ${args.stateDir} is not running. Start it with: nephos up --state-dir ${args.stateDir}`)
    return 1
  }
  const now = found.staleSince === undefined ? found : await askThemselves(args.stateDir, found, found.staleSince)
  const { pid, pids, ready, startedAt, remarks } = now
  const roles = [...now.roles, ...rolesOf(processes)]
  const state = { running: true, ready, pid, pids, startedAt, roles, remarks }
  await print(args, state, Date.parse(startedAt))
  return roles.every((role) => role.state === 'up') && ready ? 0 : 1
}

type Processes = ReturnType<typeof readProcesses>

const rolesOf = (processes: Processes): RoleState[] =>
  processes.flatMap(({ pid, roles }) => roles.map((each) => ({ ...each, role: `${each.role} (${pid})` })))

/** A cloud whose processes somebody else watches. */
async function showProcesses(args: Arguments, processes: Processes): Promise<number> {
  const roles = rolesOf(processes)
  const ready = roles.every(({ state }) => state === 'up')
  const since = Math.max(...roles.map((role) => Date.parse(role.since)))
  await print(args, { running: true, ready, pids: processes.map(({ pid }) => pid), roles, remarks: [] }, since)
  return ready ? 0 : 1
}

interface Shown {
  roles: RoleState[]
  remarks: string[]
}

/** What is known of the processes, and of the work that comes back by itself, which they could do `since`. */
async function print(args: Arguments, state: Shown & Record<string, unknown>, since: number) {
  const { periodics, remarks: unread } = await readPeriodics(args.stateDir, since)
  const remarks = [...state.remarks, ...unread]
  if (args.json) return console.log(JSON.stringify({ ...state, remarks, periodics }))
  const more = args.periodics ? ['', ...periodicTable(periodics)] : troubles(periodics)
  for (const line of [...table(state.roles), ...remarks, ...more]) console.log(line)
}

/** The file is out of date: those who have a port are asked, of the others nothing is known. */
async function askThemselves(stateDir: string, found: ReadStatus, since: string): Promise<ReadStatus> {
  const settings = readSettings(stateDir)
  const roles = settings ? await probeRoles(settings, found.roles, since) : found.roles
  const remark = `the status was written last at ${since || 'an unknown time'} and cannot be written now (is the disk full?); what has a port was asked just now`
  return { ...found, ready: false, roles, remarks: [...found.remarks, remark] }
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
