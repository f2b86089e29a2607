/** A cloud for tests, as a process of its own on free ports with a state folder of its own. */
import { spawn, type ChildProcess } from 'node:child_process'
import { createServer } from 'node:net'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')

export interface TestCloud {
  readonly stateDir: string
  readonly portBase: number
  /** `identity` … in the order of the port base. */
  url(service: 'identity' | 'image' | 'placement' | 'compute' | 'metadata' | 'novncproxy' | 'network'): string
  /** Environment of the openrc file, for real clients. */
  environment(user: 'admin' | 'demo'): Record<string, string>
  nephos(...args: string[]): Promise<{ code: number; output: string }>
  /** Starts a command that stays, with what `up` has. */
  start(...args: string[]): { end(): Promise<void> }
  /** The same on a machine that has another host name. */
  nephosAs(hostName: string, ...args: string[]): Promise<{ code: number; output: string }>
  /** Starts the cloud (again). */
  up(): Promise<void>
  /** What `up` adds to the command line: for starts that go otherwise. */
  readonly upArguments: readonly string[]
  /** Ends the control plane as Ctrl-C does; guests run on. */
  stop(): Promise<void>
  /** Kills processes (`control`, `agent`) at once and waits until others stand in their place and every role is up. */
  killAndRecover(...victims: readonly string[]): Promise<void>
  /** The same, stopping them: they live and do nothing. */
  stopAndRecover(...victims: readonly string[]): Promise<void>
  /** Ends it with its guests and removes the folder. */
  destroy(): Promise<void>
}

export interface TestCloudOptions {
  args: readonly string[]
  /** Run `nephos` in this network namespace. */
  netns?: string
  /** Where its state folder is made, instead of the folder for temporary files. */
  parent?: string
  /** The folder of the program, where it is to be run by another name. */
  checkout?: string
}

const order = ['identity', 'image', 'placement', 'compute', 'metadata', 'novncproxy', 'network'] as const

/** Makes a cloud without starting it. */
export async function createTestCloud(options: TestCloudOptions): Promise<TestCloud> {
  const stateDir = mkdtempSync(join(options.parent ?? tmpdir(), 'nph-'))
  const portBase = await freePorts()
  const name = `t${portBase}`
  const prefix = options.netns ? ['nsenter', `--net=/run/netns/${options.netns}`] : []
  const bin = join(options.checkout ?? root, 'bin', 'nephos')
  const nephos = (...args: string[]) => collect([...prefix, bin, ...args, '--state-dir', stateDir])
  const upArguments = ['up', '--detach', '--name', name, '--port-base', String(portBase), ...options.args]
  return {
    stateDir,
    portBase,
    url: (service) => `http://127.0.0.1:${portBase + order.indexOf(service)}`,
    environment: (user) =>
      Object.fromEntries(
        [...readFileSync(join(stateDir, `${user}-openrc`), 'utf8').matchAll(/^export (\w+)='(.*)'$/gm)].map((match) => [
          match[1]!,
          match[2]!,
        ]),
      ),
    nephos,
    start(...args) {
      const where = ['--state-dir', stateDir, '--name', name, '--port-base', String(portBase), ...options.args]
      const child = spawn([...prefix, bin][0]!, [...prefix, bin, ...args, ...where].slice(1), { stdio: 'ignore' })
      const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
      return { end: () => (child.kill('SIGTERM'), ended) }
    },
    nephosAs(hostName, ...args) {
      const named = ['unshare', '--uts', 'sh', '-c', 'hostname "$0" && exec "$@"', hostName]
      return collect([...prefix, ...named, bin, ...args, '--state-dir', stateDir])
    },
    upArguments,
    async up() {
      const { code, output } = await nephos(...upArguments)
      if (code !== 0) throw new Error(`nephos up failed:\n${output}\n${tail(join(stateDir, 'log', 'up.log'))}`)
    },
    async stop() {
      const { output } = await nephos('status', '--json')
      const { running, pid } = JSON.parse(output) as { running: boolean; pid: number }
      if (!running) return
      process.kill(pid, 'SIGTERM')
      for (const deadline = Date.now() + patience; existsSync(`/proc/${pid}/exe`);) {
        if (Date.now() > deadline) throw new Error('the cloud does not stop')
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    },
    killAndRecover: (...victims) => killAndRecover(nephos, victims, 'SIGKILL'),
    stopAndRecover: (...victims) => killAndRecover(nephos, victims, 'SIGSTOP'),
    async destroy() {
      await nephos('down')
      rmSync(stateDir, { recursive: true, force: true })
    },
  }
}

const patience = 60_000

async function killAndRecover(
  nephos: TestCloud['nephos'],
  victims: readonly string[],
  signal: NodeJS.Signals,
): Promise<void> {
  const deadline = Date.now() + patience
  const pids = async () => {
    const { output, code } = await nephos('status', '--json')
    return { pids: (JSON.parse(output) as { pids?: Record<string, number> }).pids ?? {}, isWhole: code === 0 }
  }
  const until = async (condition: (now: Awaited<ReturnType<typeof pids>>) => boolean) => {
    for (let now = await pids(); ; now = await pids()) {
      if (condition(now)) return now
      if (Date.now() > deadline) throw new Error(`${victims.join(' and ')} did not come back: ${JSON.stringify(now)}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  const old = await until((now) => victims.every((victim) => now.pids[victim] !== undefined))
  for (const victim of victims) process.kill(old.pids[victim]!, signal)
  await until(
    (now) =>
      now.isWhole && victims.every((victim) => now.pids[victim] !== undefined && now.pids[victim] !== old.pids[victim]),
  )
}

/** Runs a command, gathering what it prints. */
export function collect(
  argv: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child: ChildProcess = spawn(argv[0]!, argv.slice(1), { cwd: root, env: { ...process.env, ...env } })
    let output = ''
    child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.on('error', reject).on('close', (code) => resolve({ code: code ?? 1, output }))
  })
}

const tail = (file: string): string => {
  try {
    return readFileSync(file, 'utf8').split('\n').slice(-20).join('\n')
  } catch {
    return ''
  }
}

/** A port base with ten free ports behind it, below those that the kernel gives to outgoing connections. */
export async function freePorts(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const base = 20_000 + Math.floor((process.hrtime()[1] / 1e9) * 1270) * 10
    if (await areFree(base)) return base
  }
  throw new Error('no ten free ports in a row')
}

async function areFree(base: number): Promise<boolean> {
  for (let port = base; port < base + 10; port++) {
    const free = await new Promise<boolean>((resolve) => {
      const server = createServer()
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
    })
    if (!free) return false
  }
  return true
}
