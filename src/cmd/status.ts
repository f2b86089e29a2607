import type { Arguments } from './arguments.ts'
import { periodicTable, readPeriodics, troubles } from './periodics.ts'
import { probeRoles } from './probe.ts'
import type { RoleState } from './roles.ts'
import { readSettings } from './settings.ts'
import { readStatus, type ReadStatus } from './status-file.ts'

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
  const now = found.staleSince === undefined ? found : await askThemselves(args.stateDir, found, found.staleSince)
  const { pid, pids, ready, startedAt, roles, remarks } = now
  const { periodics, remarks: unread } = await readPeriodics(args.stateDir, Date.parse(startedAt))
  const all = [...remarks, ...unread]
  if (args.json)
    console.log(JSON.stringify({ running: true, ready, pid, pids, startedAt, roles, remarks: all, periodics }))
  else {
    const more = args.periodics ? ['', ...periodicTable(periodics)] : troubles(periodics)
    for (const line of [...table(roles), ...all, ...more]) console.log(line)
  }
  return roles.every((role) => role.state === 'up') && ready ? 0 : 1
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
