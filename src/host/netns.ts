/**
 * Network namespaces by name (/run/netns), the settings and processes in them, and sockets that listen in them.
 * Everything converges: making what is there or deleting what is not there is no error.
 */
import { rm, statfs } from 'node:fs/promises'
import type { Server, Socket } from 'node:net'
import { CommandFailed, run, spawnConfined } from './command.ts'
import { matching, netnsName, oneLine, wholeNumber } from './safe-text.ts'
import { ipVersion } from '../base/ip.ts'

/** `undefined` is the namespace this process runs in. */
export type InNetns = { netns?: string }

const nsfsMagic = 0x6e736673

/** Makes the namespace and brings its loopback up. */
export async function ensureNetns(name: string): Promise<void> {
  const path = `/run/netns/${netnsName(name)}`
  if (!(await isNetns(name))) {
    // A file without a namespace mounted on it is left by `ip netns add` in a foreign mount namespace.
    await rm(path, { force: true })
    try {
      await run(['ip', 'netns', 'add', name])
    } catch (error) {
      if (!(error instanceof CommandFailed && /File exists/.test(error.stderr) && (await isNetns(name)))) throw error
    }
  }
  await run(['ip', '-n', name, 'link', 'set', 'dev', 'lo', 'up'])
}

/** Processes that still run in it keep the namespace alive without its name; end them first (`listNetnsPids`). */
export async function deleteNetns(name: string): Promise<void> {
  const path = `/run/netns/${netnsName(name)}`
  if (!(await isNetns(name))) {
    await rm(path, { force: true })
    return
  }
  try {
    await run(['ip', 'netns', 'delete', name])
  } catch (error) {
    if (await isNetns(name)) throw error
  }
}

export async function isNetns(name: string): Promise<boolean> {
  try {
    return (await statfs(`/run/netns/${netnsName(name)}`)).type === nsfsMagic
  } catch {
    return false
  }
}

export async function listNetns(): Promise<string[]> {
  const { stdout } = await run(['ip', '-j', 'netns', 'list'])
  const list = stdout.trim() === '' ? [] : (JSON.parse(stdout) as { name: string }[])
  return list.map(({ name }) => name).sort()
}

export async function listNetnsPids(name: string): Promise<number[]> {
  const { stdout } = await run(['ip', 'netns', 'pids', netnsName(name)])
  return stdout.split('\n').filter(Boolean).map(Number)
}

/** Keys are written with slashes or dots; use slashes when an interface name is part of the key. */
export async function setSysctls(settings: Readonly<Record<string, string | number>>, { netns }: InNetns = {}) {
  const words = Object.entries(settings).map(([key, value]) => `${sysctlKey(key)}=${oneLine('sysctl', String(value))}`)
  if (words.length > 0) await run(['sysctl', '-q', '-w', ...words], { netns })
}

export async function showSysctl(key: string, { netns }: InNetns = {}): Promise<string> {
  const { stdout } = await run(['sysctl', '-n', sysctlKey(key)], { netns })
  return stdout.trim()
}

export type ListenOptions = {
  netns: string
  address: string
  port: number
  timeoutMs?: number
  onConnection: (socket: Socket) => void
}

/**
 * A TCP server of this process that listens inside a namespace, without a process staying there: a short child opens
 * the socket and hands it over. To serve HTTP, let `onConnection` be `(socket) => http.emit('connection', socket)`.
 */
export async function listenInNamespace(options: ListenOptions): Promise<Server> {
  const { netns, address, port, timeoutMs = 15_000, onConnection } = options
  ipVersion(address)
  wholeNumber('port', port, 0, 65_535)
  const argv = [process.execPath, '-e', listenProgram, address, String(port)]
  const child = await spawnConfined(argv, { netns }, ['ignore', 'ignore', 'pipe', 'ipc'], {})
  let complaint = ''
  child.stderr?.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(-4096)))

  try {
    return await new Promise<Server>((resolve, reject) => {
      const timer = setTimeout(() => fail('timeout'), timeoutMs)
      const fail = (reason: 'timeout' | 'exit') => {
        clearTimeout(timer)
        const what = ['listen', `${address}:${port}`, 'in', netns]
        reject(new CommandFailed({ argv: what, reason, exitCode: child.exitCode, stderr: complaint }))
      }
      child.once('message', (_, handle) => {
        clearTimeout(timer)
        const server = handle as Server
        server.on('connection', onConnection)
        resolve(server)
      })
      child.once('close', () => fail('exit'))
    })
  } finally {
    if (child.connected) child.disconnect()
    if (child.exitCode === null) child.kill('SIGTERM')
    child.unref()
  }
}

const listenProgram = `
const [address, port] = process.argv.slice(1)
const server = require('node:net').createServer({ pauseOnConnect: true })
server.on('error', (error) => { console.error(error.message); process.exit(1) })
server.listen({ host: address, port: Number(port), backlog: 511 }, () => process.send('listening', server, () => process.disconnect()))
`

function sysctlKey(key: string): string {
  return matching('sysctl', /^[a-z][A-Za-z0-9_./-]+$/, key)
}
