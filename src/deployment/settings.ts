/** The one settings file of a cloud and everything that follows from it: ports, folders, device names. */
import { createHash } from 'node:crypto'
import { chmodSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { isThere } from '../base/is-there.ts'
import type { PortDefinition } from '../platform/service.ts'
import { writePrivate } from './private-file.ts'
import { servicePorts, type ServicePort } from './services.ts'

export interface Settings {
  name: string
  /** First of the cloud's ports; null for OpenStack's own ports. */
  portBase: number | null
  bind: string
  /** Address of what no user needs to reach: metadata (for its proxies) and metrics. */
  bindInternal: string
  /** Fake compute driver and no data plane. */
  fake: boolean
  computeHosts: number
  region: string
  /** The external flat network; the host has its first address. */
  providerCidr: string
  /** Who the control plane runs as where root starts it. */
  user: string
}

/** What is no service's: the metrics of the control process. */
const ownPorts: Readonly<Record<string, PortDefinition>> = { metrics: { standard: 9180, offset: 7, isInternal: true } }

export type PortName = ServicePort | 'metrics'

function definitionOf(name: string): PortDefinition {
  const found = servicePorts.get(name) ?? ownPorts[name]
  if (!found) throw new Error(`there is no port '${name}'`)
  return found
}

/** The TCP port of an API. */
export function portOf({ portBase }: Settings, name: PortName | (string & {})): number {
  const { standard, offset } = definitionOf(name)
  return portBase === null ? standard : portBase + offset
}

/** The address that a port listens on. */
export const addressOf = (settings: Settings, name: PortName | (string & {})): string =>
  definitionOf(name).isInternal ? settings.bindInternal : settings.bind

/** `http://address:port` of an API. */
export function urlOf(settings: Settings, name: PortName | (string & {})): string {
  const bound = addressOf(settings, name)
  const host = bound === '0.0.0.0' ? '127.0.0.1' : bound
  return `http://${host.includes(':') ? `[${host}]` : host}:${portOf(settings, name)}`
}

/** Folders and files below the state directory. */
export const paths = (stateDir: string) => ({
  settings: join(stateDir, 'settings.json'),
  secrets: join(stateDir, 'secrets'),
  status: join(stateDir, 'run', 'status.json'),
  run: join(stateDir, 'run'),
  /** Processes of the control plane make their sockets there, which may not write beside it. */
  runOfControl: join(stateDir, 'run', 'control'),
  bus: join(stateDir, 'run', 'control', 'bus.sock'),
  etc: join(stateDir, 'etc'),
  log: join(stateDir, 'log'),
  logOfControl: join(stateDir, 'log', 'control'),
  service: (type: string) => join(stateDir, type),
  /** What is the control plane's and no service's. */
  control: join(stateDir, 'control'),
  firstUse: join(stateDir, 'control', 'first-use.json'),
})

/** Where a cloud lives unless `--state-dir` says otherwise. */
export function defaultStateDir(name: string): string {
  return process.getuid?.() === 0 ? join('/var/lib/nephos', name) : join(homedir(), '.local/share/nephos', name)
}

/** A network of its own for every cloud name, so that several run on one machine; `nephos` has DevStack's. */
function providerCidrOf(name: string): string {
  if (name === 'nephos') return '172.24.4.0/24'
  const [byte] = createHash('sha256').update(name).digest()
  return `172.24.${(byte! % 240) + 10}.0/24`
}

/** Name of the bridge of the provider network, at most 15 characters. */
export function providerBridge(name: string): string {
  const full = `br-${name}`
  return full.length <= 15 ? full : `br-${createHash('sha256').update(name).digest('hex').slice(0, 10)}`
}

/** Options of the command line that belong to a cloud; undefined where they were not given. */
export type SettingsInput = { [K in keyof Settings]?: Settings[K] | undefined }

export class SettingsError extends Error {}

/** Reads the settings, writes them at first use, and applies what the command line says. */
export function loadSettings(stateDir: string, input: SettingsInput): Settings {
  const file = paths(stateDir).settings
  const given = Object.fromEntries(
    Object.entries(input).filter(([, value]) => value !== undefined),
  ) as Partial<Settings>
  const name = given.name ?? 'nephos'
  if (!/^[a-z0-9][a-z0-9-]{0,30}$/.test(name)) {
    throw new SettingsError(`--name ${name}: use lower case letters, digits and '-', at most 31`)
  }
  if (given.user !== undefined && !/^[a-z_][a-z0-9_-]{0,30}$/.test(given.user))
    throw new SettingsError(`--user ${given.user}: name a user of this machine, or one that can be made`)
  const defaults: Settings = {
    name,
    portBase: null,
    bind: '127.0.0.1',
    bindInternal: '127.0.0.1',
    fake: false,
    computeHosts: 1,
    region: 'RegionOne',
    providerCidr: providerCidrOf(name),
    user: 'nephos',
  }
  const saved = isThere(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Partial<Settings>) : {}
  if (saved.fake !== undefined && given.fake !== undefined && saved.fake !== given.fake) {
    throw new SettingsError(
      `${stateDir} holds a cloud ${saved.fake ? 'with' : 'without'} --fake: use another --state-dir`,
    )
  }
  const settings = { ...defaults, ...saved, ...given }
  if (settings.portBase !== null && settings.portBase < 1024 && settings.user !== 'root')
    throw new SettingsError(
      `portBase ${settings.portBase} in ${file}: ports below 1024 need a privilege that the control plane does not keep; choose one from 1024 on (--port-base)`,
    )
  makeFolders(stateDir)
  writePrivate(file, JSON.stringify(settings, null, 2))
  return settings
}

/** Settings of a cloud that exists; undefined when there is none. */
export function readSettings(stateDir: string): Settings | undefined {
  const file = paths(stateDir).settings
  return isThere(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Settings) : undefined
}

/** Whether a state directory is this user's: others take it as it was prepared. */
export const ownsFolder = (stateDir: string): boolean => statSync(stateDir).uid === process.getuid?.()

/** Of a folder of this user's. */
function ensureMode(folder: string, mode: number) {
  const found = statSync(folder)
  if (found.uid === process.getuid?.() && (found.mode & 0o777) !== mode) chmodSync(folder, mode)
}

function makeFolders(stateDir: string) {
  const { run, etc, log, secrets, control, runOfControl, logOfControl } = paths(stateDir)
  // Users of root's cloud, QEMU's and the control plane's, must be able to pass; they can list nothing.
  const isRoot = process.getuid?.() === 0
  mkdirSync(dirname(resolve(stateDir)), { recursive: true, mode: 0o711 })
  for (const folder of [stateDir, run, etc, log, secrets, control, runOfControl, logOfControl])
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  for (const folder of [stateDir, run, log]) ensureMode(folder, isRoot ? 0o711 : 0o700)
}
