/**
 * dnsmasq, one per network: the files it reads and the process. Host names, option values and tags may come from users;
 * whatever could end a line or a field of dnsmasq's files is refused (`UnsafeText`), never escaped. Times are seconds,
 * except durations that are named `Ms`.
 */
import { chmod, mkdir, readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { canonicalIp, canonicalMac, ipVersion, netmaskOf, parseCidr } from '../base/ip.ts'
import type { IpVersion } from '../base/ip.ts'
import { waitFor } from '../base/wait.ts'
import { run } from './command.ts'
import { readHostAddresses, readLeases, releaseLeases, staleLeases, type DhcpLease } from './dnsmasq-leases.ts'
import { ensureFile } from './files.ts'
import { findProcesses, readPidFile, showProcess, signalProcess, stopProcess } from './process.ts'
import type { RunningProcess } from './process.ts'
import { UnsafeText, absolutePath, interfaceName, matching, netnsName, oneLine, wholeNumber } from './safe-text.ts'

export type DhcpHost = {
  mac: string
  addresses: readonly string[]
  /** One label or a name with dots. */
  hostname?: string
  /** Names of option sets that apply to this host. */
  tags?: readonly string[]
}
export type DhcpOption = {
  /** Without a tag it is for everyone. */
  tag?: string
  version: IpVersion
  /** A number, or dnsmasq's name for it: `router`, `classless-static-route`, ... */
  option: number | string
  values: readonly string[]
}
/** An option in the words of whoever wants it, which dnsmasq reads as it would in a file of its own. */
export type RawDhcpOption = {
  tag: string
  version: IpVersion
  /** A name or number, behind `tag:other,` where the client must have that tag, too. */
  name: string
  /** What follows the name: several values with commas, quotes around one that has some. */
  text: string
}
export type DnsHost = { address: string; names: readonly string[] }
export type DhcpRange = {
  tag: string
  cidr: string
  /** `static`: only listed hosts. The others are IPv6 with router advertisements of our own. */
  mode: 'static' | 'ra-only' | 'slaac' | 'ra-stateless'
  leaseSeconds: number | 'infinite'
}
export type DnsmasqSpec = {
  netns?: string
  interface: string
  /** A folder of its own, for files, pid and log; dnsmasq's user must be able to reach it. */
  dir: string
  ranges: readonly DhcpRange[]
  hosts: readonly DhcpHost[]
  options: readonly (DhcpOption | RawDhcpOption)[]
  dnsHosts?: readonly DnsHost[]
  /** False: no name service at all. Otherwise names are resolved by these servers. */
  dns: false | { servers: readonly string[] }
  /** Sends router advertisements for its IPv6 ranges; a `static` one tells clients to ask a DHCPv6 server. */
  isRouter?: boolean
  domain?: string
  mtu?: number
  user?: string
}

const graceMs = 2000
/** The list of hosts says who gets one; dnsmasq's own limit would be 1000. */
const leasesAtMost = 2 ** 24

const leasesFile = (dir: string) => join(dir, 'leases')

/**
 * Makes a dnsmasq run with exactly this configuration: started if there is none, restarted if its arguments have
 * changed, told to read its files again if only they have. Leases of hosts that are not listed any more are released,
 * by a restart without them where they resist. Returns what had to be done.
 */
export async function ensureDnsmasq(spec: DnsmasqSpec): Promise<'unchanged' | 'reloaded' | 'started' | 'restarted'> {
  const argv = dnsmasqArguments(spec)
  const running = await findDnsmasq(spec.dir)
  const isSame = running && isSameArguments(running.argv, argv) && (await isInNetns(running.pid, spec.netns))
  // By the list of before, which the next step overwrites.
  const stale = await findStaleLeases(spec)
  const keeper = { netns: spec.netns, interface: spec.interface, file: leasesFile(spec.dir) }
  const isFree = stale.length === 0 || (isSame && (await releaseLeases(keeper, stale)))
  const changed = await writeFiles(spec)
  if (isSame && isFree) {
    if (!changed && stale.length === 0) return 'unchanged'
    if (await signalProcess(running, 'SIGHUP')) return 'reloaded'
  }
  await stopDnsmasq(spec.dir)
  await dropLeases(spec.dir, stale)
  // It reports what is wrong and exits, or goes to the background when it serves.
  await run(argv, { netns: spec.netns, timeoutMs: 10_000 })
  const what = `start of dnsmasq on ${spec.interface}`
  await waitFor(async () => await findDnsmasq(spec.dir), { what, timeoutMs: 5000 })
  return running ? 'restarted' : 'started'
}

/** The dnsmasq that uses this folder, if it lives. */
export async function findDnsmasq(dir: string): Promise<RunningProcess | undefined> {
  const pid = await readPidFile(join(dir, 'pid'))
  const known = pid === undefined ? undefined : await showProcess(pid)
  if (known && isDnsmasqOf(dir, known.argv)) return known
  return (await findProcesses((argv) => isDnsmasqOf(dir, argv)))[0]
}

/** A namespace that was made anew has the old name; the process would go on serving the old one. */
async function isInNetns(pid: number, netns: string | undefined): Promise<boolean> {
  const inode = (path: string) =>
    stat(path).then(
      ({ ino }) => ino,
      () => undefined,
    )
  const wanted = await inode(netns === undefined ? '/proc/self/ns/net' : `/run/netns/${netnsName(netns)}`)
  return wanted !== undefined && (await inode(`/proc/${pid}/ns/net`)) === wanted
}

/** Older ones believe forged answers and can be overrun from the network (CVE-2020-25681 to -25687). */
const safeSince = [2, 81] as const

/** A sentence about an installed dnsmasq that is too old; undefined when it is fine. */
export async function warnOfOldDnsmasq(): Promise<string | undefined> {
  return warningAbout((await run(['dnsmasq', '--version'], { timeoutMs: 10_000 })).stdout)
}

export function warningAbout(text: string): string | undefined {
  const [, major, minor] = /version (\d+)\.(\d+)/.exec(text) ?? []
  if (major === undefined)
    return 'dnsmasq does not tell its version; 2.81 or newer is needed to be safe from its guests'
  const isOld = Number(major) < safeSince[0] || (Number(major) === safeSince[0] && Number(minor) < safeSince[1])
  return isOld ? `dnsmasq ${major}.${minor} has holes that guests can use; install 2.81 or newer` : undefined
}

export async function stopDnsmasq(dir: string): Promise<void> {
  for (const found of await findProcesses((argv) => isDnsmasqOf(dir, argv))) await stopProcess(found, { graceMs })
}

// ---- rendering

export function dnsmasqArguments(spec: DnsmasqSpec): string[] {
  const dir = absolutePath('folder', spec.dir)
  const { dns, domain, mtu, user = 'nobody', ranges, isRouter = false } = spec
  return [
    'dnsmasq',
    '--conf-file=/dev/null',
    '--no-hosts',
    '--no-resolv',
    '--no-ping',
    '--dhcp-authoritative',
    `--dhcp-leasefile=${leasesFile(dir)}`,
    `--dhcp-lease-max=${leasesAtMost}`,
    '--bind-interfaces',
    `--interface=${interfaceName(spec.interface)}`,
    '--except-interface=lo',
    `--pid-file=${dir}/pid`,
    `--log-facility=${dir}/log`,
    `--dhcp-hostsfile=${dir}/hosts`,
    `--dhcp-optsfile=${dir}/opts`,
    `--user=${matching('user', /^[a-z_][a-z0-9_-]{0,31}$/, user)}`,
    '--group=nogroup',
    ...(dns === false
      ? ['--port=0']
      : [`--addn-hosts=${dir}/names`, ...dns.servers.map((server) => `--server=${canonicalIp(server)}`)]),
    ...(domain === undefined ? [] : [`--domain=${hostName(domain)}`]),
    ...(isRouter ? ['--enable-ra', raParameters(spec.interface, mtu)] : []),
    ...ranges.map((range) => `--dhcp-range=${renderRange(range)}`),
    ...(mtu === undefined ? [] : [`--dhcp-option-force=option:mtu,${wholeNumber('mtu', mtu, 68, 65_535)}`]),
  ]
}

/** Every 100 s with a lifetime of 300 s, as radvd does for neutron; a lifetime of 0 would be no way out. */
function raParameters(device: string, mtu: number | undefined): string {
  const link = mtu === undefined ? [] : [`mtu:${wholeNumber('mtu', mtu, 68, 65_535)}`]
  return `--ra-param=${[interfaceName(device), ...link, 100, 300].join(',')}`
}

function renderRange({ tag, cidr, mode, leaseSeconds }: DhcpRange): string {
  const { version, network, prefix } = parseCidr(cidr)
  const lease = leaseSeconds === 'infinite' ? leaseSeconds : `${wholeNumber('lease', leaseSeconds, 120)}s`
  if (version === 4 && mode !== 'static') throw new UnsafeText('mode of an IPv4 range', mode)
  const size = version === 4 ? netmaskOf(prefix) : String(prefix)
  return [`set:${tagName(tag)}`, network, mode, size, lease].join(',')
}

export function renderHosts(hosts: readonly DhcpHost[]): string {
  return hosts.map((host) => `${renderHost(host)}\n`).join('')
}

function renderHost({ mac, addresses, hostname, tags = [] }: DhcpHost): string {
  const ips = addresses.map((each) => (ipVersion(each) === 6 ? `[${canonicalIp(each)}]` : canonicalIp(each)))
  const name = hostname === undefined ? [] : [hostName(hostname)]
  return [canonicalMac(mac), ...tags.map((tag) => `set:${tagName(tag)}`), ...ips, ...name].join(',')
}

export function renderOptions(options: readonly (DhcpOption | RawDhcpOption)[]): string {
  return options.map((option) => `${'text' in option ? renderRawOption(option) : renderOption(option)}\n`).join('')
}

/** dnsmasq reads lines of at most 1024 bytes, and takes what is behind them for another line. */
const longestLine = 1000

/**
 * The tag comes first and only narrows; what follows the option's name are its values, whatever is in them. A line that
 * dnsmasq does not understand is left out by it.
 */
function renderRawOption({ tag, version, name, text }: RawDhcpOption): string {
  const [, other = '', option = ''] = /^(tag:[^,]*,)?(.*)$/.exec(oneLine('DHCP option', name)) ?? []
  const kind = version === 6 ? 'option6:' : /^\d+$/.test(option) ? '' : 'option:'
  const value = oneLine('DHCP option value', text)
  const line = `tag:${tagName(tag)},${other}${kind}${option}${value === '' ? '' : `,${value}`}`
  if (Buffer.byteLength(line) > longestLine) throw new UnsafeText('DHCP option', line)
  return line
}

function renderOption({ tag, version, option, values }: DhcpOption): string {
  const words = values.map((value) => (version === 6 && isIp6(value) ? `[${canonicalIp(value)}]` : optionValue(value)))
  return [...(tag === undefined ? [] : [`tag:${tagName(tag)}`]), optionName(version, option), ...words].join(',')
}

/** A name and number mean the same; IPv6 options are always marked as such. */
function optionName(version: IpVersion, option: number | string): string {
  const prefix = version === 6 ? 'option6:' : typeof option === 'number' ? '' : 'option:'
  const name =
    typeof option === 'number'
      ? String(wholeNumber('DHCP option', option, 1, 65_535))
      : matching('DHCP option', /^[a-z][a-z0-9-]{0,40}$/, option)
  return `${prefix}${name}`
}

export function renderNames(hosts: readonly DnsHost[]): string {
  return hosts.map(({ address, names }) => `${canonicalIp(address)} ${names.map(hostName).join(' ')}\n`).join('')
}

function tagName(text: string): string {
  return matching('DHCP tag', /^[A-Za-z0-9_-]{1,64}$/, text)
}

function hostName(text: string): string {
  return matching(
    'host name',
    /^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?$/,
    text,
  )
}

/** One field of a line: dnsmasq gives commas, quotes, backslashes and # a meaning. */
function optionValue(text: string): string {
  return matching('DHCP option value', /^[^,"\\#]{1,255}$/, oneLine('DHCP option value', text))
}

function isIp6(text: string): boolean {
  return /^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*$/.test(text)
}

// ---- files and processes

async function writeFiles({ dir, hosts, options, dnsHosts = [] }: DnsmasqSpec): Promise<boolean> {
  const files: [string, string][] = [
    ['hosts', renderHosts(hosts)],
    ['opts', renderOptions(options)],
    ['names', renderNames(dnsHosts)],
  ]
  await mkdir(dir, { recursive: true })
  await chmod(dir, 0o755) // dnsmasq reads again after it has given up root
  let hasChanged = false
  for (const [name, content] of files) {
    if (await ensureFile(join(dir, name), content, 0o644)) hasChanged = true
  }
  return hasChanged
}

async function findStaleLeases({ dir, hosts }: DnsmasqSpec): Promise<DhcpLease[]> {
  const { leases } = await readLeases(leasesFile(dir))
  if (leases.length === 0) return []
  const owners = hosts.flatMap(({ mac, addresses }) =>
    addresses.map((each) => [canonicalIp(each), canonicalMac(mac)] as const),
  )
  return staleLeases(leases, await readHostAddresses(join(dir, 'hosts')), new Map(owners))
}

/** While nothing runs: what it will read when it starts. */
async function dropLeases(dir: string, dropped: readonly DhcpLease[]): Promise<void> {
  if (dropped.length === 0) return
  const lines = new Set(dropped.map(({ line }) => line))
  const kept = (await readFile(leasesFile(dir), 'utf8')).split('\n').filter((line) => !lines.has(line))
  await ensureFile(leasesFile(dir), kept.join('\n'), 0o644)
}

function isDnsmasqOf(dir: string, argv: readonly string[]): boolean {
  return basename(argv[0] ?? '') === 'dnsmasq' && argv.includes(`--pid-file=${dir}/pid`)
}

function isSameArguments(actual: readonly string[], wanted: readonly string[]): boolean {
  return JSON.stringify(actual.slice(1)) === JSON.stringify(wanted.slice(1))
}
