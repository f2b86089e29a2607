/** `nephos run ROLE…`: these roles in a process of their own, beside others of the same cloud. */
import { hostname } from 'node:os'
import { continueAsControl, prepareControlUser } from '../deployment/control-user.ts'
import type { ControlOptions } from '../deployment/control.ts'
import { writeCredentials } from '../deployment/credentials.ts'
import { busRole, RoleBoard } from '../deployment/role-board.ts'
import { ensureSecrets } from '../deployment/secrets.ts'
import { roles, services } from '../deployment/services.ts'
import { loadSettings, ownsFolder, type Settings } from '../deployment/settings.ts'
import { reopenLogFiles } from '../platform/log/log-file.ts'
import { UsageError, type Arguments } from './arguments.ts'
import { prepare } from './prepare.ts'
import type { FakeHostsOptions } from './fake-hosts.ts'
import { ProcessFile, requireAlone } from './process-files.ts'

/** Runs until a signal ends it. Throws UsageError for what is no role. */
export async function run(args: Arguments): Promise<number> {
  const wanted = [...new Set(args.rest)]
  const control = wanted.filter((role) => role === busRole || roles.get(role)?.kind === 'control')
  const agents = wanted.filter((role) => roles.get(role)?.kind === 'agent')
  requireRoles(wanted, [...control, ...agents])
  requireAlone(args.stateDir, agents)
  if (agents.length > 0) await requireOwnState(args.stateDir)
  const settings = loadSettings(args.stateDir, args.settings)
  if (agents.length > 0 && !settings.fake && process.getuid?.() !== 0)
    throw new Error(`${agents.join(', ')} need root for network namespaces, bridges, taps and nftables`)
  if (ownsFolder(args.stateDir)) await prepareFolder(args.stateDir, settings, { control, agents })
  if (agents.length > 0) await prepare(settings, { install: !args.noInstall, roles: agents, say })
  const file = new ProcessFile(args.stateDir)
  const board = new RoleBoard((states) => {
    for (const each of states) tellChange(each)
    file.write(states)
  })
  // Seen by `nephos status` and by who would start it again, also while it waits for the bus.
  for (const role of wanted) board.set(role, 'starting')
  const common = { stateDir: args.stateDir, settings, hostName: hostname(), board }
  const running = [
    ...(control.length > 0 ? [await startControlHere({ ...common, roles: control })] : []),
    ...(agents.length > 0 ? [await startAgentsHere({ ...common, roles: agents })] : []),
  ]
  process.on('SIGHUP', reopenLogFiles)
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
  for (const each of running.reverse()) await each.stop()
  file.remove()
  return 0
}

/** Where the folder is root's, control roles go on as a user of their own, and find it as it was prepared. */
async function prepareFolder(
  stateDir: string,
  settings: Settings,
  { control, agents }: { control: readonly string[]; agents: readonly string[] },
): Promise<void> {
  ensureSecrets(stateDir)
  writeCredentials(stateDir, settings)
  const user = await prepareControlUser(stateDir, settings, (text) => say(`nephos: ${text}`))
  // Those that only pretend need no privileges.
  const areReal = agents.length > 0 && !settings.fake
  if (!user || (areReal && control.length === 0)) return
  if (areReal)
    throw new UsageError(
      `${agents.join(', ')} run as root and ${control.join(', ')} as user ${settings.user}: start them in processes of their own`,
    )
  await continueAsControl(stateDir)
}

/** A process loads what its roles need. */
async function startControlHere(options: ControlOptions): Promise<{ stop(): Promise<void> }> {
  const { startControl } = await import('../deployment/control.ts')
  return startControl(options)
}

async function startAgentsHere(options: FakeHostsOptions): Promise<{ stop(): Promise<void> }> {
  if (options.settings.fake) {
    const { startFakeHosts } = await import('./fake-hosts.ts')
    return { stop: await startFakeHosts(options) }
  }
  const { startAgents } = await import('../deployment/agents.ts')
  return startAgents({ ...options, remark: say, ready: () => undefined })
}

async function requireOwnState(stateDir: string): Promise<void> {
  for (const service of services) {
    const obstacle = await service.obstacleOf?.(stateDir)
    if (obstacle !== undefined) throw new Error(obstacle)
  }
}

function requireRoles(wanted: readonly string[], known: readonly string[]): void {
  const unknown = wanted.filter((role) => !known.includes(role))
  if (wanted.length > 0 && unknown.length === 0) return
  const what = unknown.length > 0 ? `${unknown.join(', ')}: no such role` : 'name at least one role'
  throw new UsageError(`${what}; there are ${[...roles.keys(), busRole].join(', ')}`)
}

const say = (text: string) => process.stderr.write(`${text}\n`)

const told = new Map<string, string>()

function tellChange({ role, state, error }: { role: string; state: string; error: string | null }): void {
  const line = `${role} is ${state}${error === null ? '' : `: ${error}`}`
  if (told.get(role) !== line) say(line)
  told.set(role, line)
}
