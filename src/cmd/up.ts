import { spawn } from 'node:child_process'
import { existsSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Arguments } from './arguments.ts'
import { writeCredentials } from '../deployment/credentials.ts'
import { prepareControlUser } from '../deployment/control-user.ts'
import { prepare } from './prepare.ts'
import type { ChildMessage } from '../deployment/role-board.ts'
import { removeDrafts } from '../deployment/private-file.ts'
import { ensureSecrets } from '../deployment/secrets.ts'
import { rolesOfKind, services } from '../deployment/services.ts'
import { loadSettings, urlOf, type Settings } from '../deployment/settings.ts'
import { tellParent } from '../deployment/tell-parent.ts'
import { requireAlone } from './process-files.ts'
import { keepStartLogShort, startLogOf } from './start-log.ts'
import { readStatus, StatusFile, type CloudStatus } from './status-file.ts'
import { Supervised } from './supervisor.ts'

const readyWithin = 120_000
/** A control process that ends so often before it was ever ready will not get there. */
const mostFailedStarts = 5

/** `nephos up`: prepares the machine, starts every role and stays until it is told to stop. */
export async function up(args: Arguments, argv: readonly string[]): Promise<number> {
  const running = readStatus(args.stateDir)
  if (running?.running) {
    throw new Error(
      `the cloud in ${args.stateDir} runs already (process ${running.pid}); see nephos status, nephos down`,
    )
  }
  if (!args.settings.fake && process.getuid?.() !== 0) {
    throw new Error(
      'needs root for network namespaces, bridges, taps and nftables. Run it as root, or without a data plane: npm start -- --fake',
    )
  }
  requireAlone(args.stateDir, rolesOfKind('agent'))
  for (const folder of ['', 'run', ...foldersIn(args.stateDir, 'network-agent')])
    removeDrafts(join(args.stateDir, folder))
  const settings = loadSettings(args.stateDir, args.settings)
  await prepare(settings, { install: !args.noInstall, roles: rolesOfKind('agent'), say })
  ensureSecrets(args.stateDir)
  writeCredentials(args.stateDir, settings)
  return args.detach ? detach(args, argv, settings) : stay(args, settings)
}

/** A folder and those in it. */
function foldersIn(stateDir: string, folder: string): string[] {
  const path = join(stateDir, folder)
  const inner = existsSync(path) ? readdirSync(path, { withFileTypes: true }).filter((each) => each.isDirectory()) : []
  return [folder, ...inner.map(({ name }) => join(folder, name))]
}

const say = (text: string) => process.stderr.write(`${text}\n`)

async function stay(args: Arguments, settings: Settings): Promise<number> {
  const started = Date.now()
  const status: CloudStatus = {
    pid: process.pid,
    pids: {},
    ready: false,
    startedAt: new Date().toISOString(),
    roles: [],
    remarks: [],
  }
  const controlUser = await prepareControlUser(args.stateDir, settings, (text) => {
    say(`  ${text}`)
    status.remarks.push(text)
  })
  // On a full disk the roles go on.
  const file = new StatusFile(args.stateDir, (reason) => say(`nephos: the status cannot be written: ${reason}`))
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
  const waiting = new Set(settings.fake ? ['control'] : ['control', 'agent'])
  const children = new Map<string, Supervised>()
  const publish = () => {
    status.roles = [...children.values()].flatMap((child) => child.roles)
    status.pids = Object.fromEntries([...children].map(([name, child]) => [name, child.pid]))
    file.write(status)
    tellParent(status)
  }
  let finish!: (code: number) => void
  const finished = new Promise<number>((resolve) => (finish = resolve))
  const told = new Map<string, string | null>()
  let failedStarts = 0
  const heard = (name: string) => (message: ChildMessage) => {
    if (message.type === 'remark') {
      say(`  ${message.text}`)
      if (!status.remarks.includes(message.text)) status.remarks.push(message.text)
    }
    if (message.type === 'roles') {
      for (const { role, state, error } of message.roles) {
        const reason = state === 'down' ? error : null
        if (reason !== null && told.get(role) !== reason) say(`nephos: ${role} is down: ${reason}`)
        told.set(role, reason)
      }
    }
    if (message.type === 'failed') {
      say(`nephos: ${message.error}`)
      if (!status.ready && name === 'control') finish(1)
    }
    if (message.type === 'ready' && waiting.delete(name) && waiting.size === 0) {
      status.ready = true
      say(summary(args.stateDir, settings, Date.now() - started))
    }
    publish()
  }
  publish()
  for (const name of waiting) {
    children.set(
      name,
      new Supervised({
        name,
        args: [args.stateDir],
        ...(name === 'control' && controlUser && { runAs: controlUser }),
        onMessage: heard(name),
        onDeath: (reason) => {
          if (!status.ready && name === 'control' && ++failedStarts === mostFailedStarts) {
            say(`nephos: ${reason}`)
            return finish(1)
          }
          keepStartLogShort(args.stateDir)
          say(`nephos: the ${name} process ended (${reason}); starting it again`)
          publish()
        },
      }),
    )
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => finish(0))
  // A terminal that went away, or without one the wish that logs are opened again.
  process.on('SIGHUP', () => {
    if (process.stdin.isTTY) finish(0)
    else for (const child of children.values()) child.signal('SIGHUP')
  })
  const code = await finished
  if (code === 0) say('Stopping; guests keep running (nephos down ends them).')
  // The agents first: they speak to the control process until their end.
  for (const name of ['agent', 'control']) await children.get(name)?.stop()
  status.ready = false
  publish()
  file.stop()
  return code
}

/** Starts the same command in the background and waits until every API answers. */
async function detach(args: Arguments, argv: readonly string[], settings: Settings): Promise<number> {
  const log = startLogOf(args.stateDir)
  keepStartLogShort(args.stateDir)
  const output = openSync(log, 'a', 0o600)
  const main = fileURLToPath(new URL('./main.ts', import.meta.url))
  const rest = argv.filter((argument) => argument !== '--detach')
  const started = Date.now()
  const child = spawn(process.execPath, [...process.execArgv, main, ...rest], {
    detached: true,
    stdio: ['ignore', output, output, 'ipc'],
  })
  const status = await new Promise<CloudStatus | undefined>((resolve) => {
    child.on('message', (told: CloudStatus) => told.ready && resolve(told))
    child.once('exit', () => resolve(undefined))
    setTimeout(() => resolve(undefined), readyWithin).unref()
  })
  if (!status && child.exitCode === null && child.signalCode === null) {
    child.kill('SIGTERM')
    throw new Error(`the APIs did not answer within ${readyWithin / 1000} s; see ${log} and nephos status`)
  }
  if (!status) throw new Error(`the cloud did not start: ${lastWords(log) ?? `status ${child.exitCode}`} (${log})`)
  child.disconnect()
  child.unref()
  const down = status.roles.filter((role) => role.state === 'down')
  if (down.length > 0) {
    const reasons = down.map(({ role, error }) => `${role}: ${error}`).join('; ')
    throw new Error(`not everything is up: ${reasons} (the rest runs; see nephos status, or end it with nephos down)`)
  }
  for (const remark of status.remarks) say(`nephos: ${remark}`)
  console.log(summary(args.stateDir, settings, Date.now() - started))
  return 0
}

/** What the process in the background said last of itself, which may have many lines. */
function lastWords(log: string): string | undefined {
  const said = `\n${readFileSync(log, 'utf8').trim()}`.split('\nnephos: ')
  return said.length > 1 ? said.at(-1) : undefined
}

function summary(stateDir: string, settings: Settings, ms: number): string {
  const width = Math.max(...services.map(({ type }) => type.length))
  const lines = services.map(({ type }) => `  ${type.padEnd(width)}  ${urlOf(settings, type)}`)
  return [
    `The cloud '${settings.name}' is up (${(ms / 1000).toFixed(1)} s).`,
    ...lines,
    `Credentials: ${join(stateDir, 'admin-openrc')}, demo-openrc, clouds.yaml`,
    'Next:',
    `  . ${join(stateDir, 'demo-openrc')}`,
    '  openstack server create --flavor m1.tiny --image cirros --network private --wait first',
    '  openstack console log show first',
  ].join('\n')
}
