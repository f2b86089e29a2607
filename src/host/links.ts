/**
 * Network interfaces: bridges, taps, veth pairs, vxlans, their addresses and routes. An `ensure` function reads what is
 * there and changes only the difference, in one `ip -batch`; calling it again does nothing. An interface that has the
 * right name but another kind is a `LinkConflict`. MTU is in bytes; every function works in a named namespace or here.
 */
import { readFile } from 'node:fs/promises'
import { canonicalCidr, canonicalIp, canonicalMac, isIpv4, parseCidr } from '../base/ip.ts'
import { CommandFailed, run } from './command.ts'
import { setSysctls } from './netns.ts'
import type { InNetns } from './netns.ts'
import { interfaceName, matching, netnsName, wholeNumber } from './safe-text.ts'

export class LinkConflict extends Error {
  override name = 'LinkConflict'
}

export type LinkKind = 'bridge' | 'tap' | 'veth' | 'vxlan' | 'vlan' | 'other'
export type Link = {
  name: string
  index: number
  kind: LinkKind
  mtu: number
  mac: string
  isUp: boolean
  hasCarrier: boolean
  master: string | undefined
  /** The other end of a veth pair, when it is in the same namespace. */
  peer: string | undefined
  /** Name or number of the user who may open a tap. */
  owner: string | undefined
  /** Of a tap: it can be opened several times. */
  hasQueues: boolean
  vxlan: { id: number; local: string | undefined; port: number; learning: boolean } | undefined
  vlan: { id: number; parent: string | undefined } | undefined
}
export type Route = { destination: string; gateway: string | undefined; device: string | undefined; protocol: string }

type Common = { name: string; mtu?: number; mac?: string; master?: string; /** true unless told */ isUp?: boolean }
export type BridgeSpec = Common & { kind: 'bridge' }
/** With `hasQueues` its user may open it several times, and must say so; one that is there stays when nothing is said. */
export type TapSpec = Common & { kind: 'tap'; ownerUid?: number; hasQueues?: boolean }
export type VxlanSpec = Common & {
  kind: 'vxlan'
  id: number
  local: string
  /** UDP, 4789 unless told. */
  port?: number
  learning?: boolean
}
/** A sub-interface that tags what it sends. */
export type VlanSpec = Common & { kind: 'vlan'; parent: string; id: number }
/** An interface that something else has made. */
export type ExistingSpec = Common & { kind: 'existing' }
export type LinkSpec = BridgeSpec | TapSpec | VxlanSpec | VlanSpec | ExistingSpec

/** One line of an `ip -batch`. */
export type IpCommand = readonly (string | number)[]

export async function runIpBatch(commands: readonly IpCommand[], { netns }: InNetns = {}): Promise<void> {
  if (commands.length === 0) return
  const lines = commands.map((words) => words.map((word) => batchWord(String(word))).join(' '))
  await run([...ip(netns), '-batch', '-'], { input: `${lines.join('\n')}\n` })
}

// ---- reading

export async function listLinks({ netns }: InNetns = {}): Promise<Link[]> {
  return parseLinks((await run([...ip(netns), '-d', '-j', 'link', 'show'])).stdout)
}

export async function showLink(name: string, { netns }: InNetns = {}): Promise<Link | undefined> {
  try {
    return parseLinks((await run([...ip(netns), '-d', '-j', 'link', 'show', 'dev', interfaceName(name)])).stdout)[0]
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

/** Addresses with their prefix length; link-local IPv6 ones are the kernel's business and left out. */
export async function listAddresses(name: string, { netns }: InNetns = {}): Promise<string[]> {
  const { stdout } = await run([...ip(netns), '-j', 'addr', 'show', 'dev', interfaceName(name)])
  const [device] = parseJsonList(stdout) as { addr_info?: { local: string; prefixlen: number; scope: string }[] }[]
  return (device?.addr_info ?? [])
    .filter(({ local, scope }) => scope !== 'link' || isIpv4(local))
    .map(({ local, prefixlen }) => canonicalCidr(`${local}/${prefixlen}`))
}

export async function listRoutes({ netns, table = 'main' }: InNetns & { table?: string } = {}): Promise<Route[]> {
  const read = async (family: '-4' | '-6') => {
    const words = [...ip(netns), family, '-j', 'route', 'show', 'table', matching('table', /^[a-z0-9]+$/, table)]
    return parseRoutes((await run(words)).stdout, family === '-4' ? '0.0.0.0/0' : '::/0')
  }
  const [v4, v6] = await Promise.all([read('-4'), read('-6')])
  return [...v4, ...v6]
}

// ---- converging

/** Makes all of these interfaces be as described: one read, at most two batches. */
export async function ensureLinks(specs: readonly LinkSpec[], { netns }: InNetns = {}): Promise<void> {
  if (specs.length === 0) return
  const actual = await listLinks({ netns })
  const { create, adjust, withoutIpv6 } = planLinks(specs, actual, await readUserNames())
  await runIpBatch(create, { netns })
  // Before they come up: a host that had an IPv6 address on a bridge or tap would be reachable from the guests.
  await setSysctls(Object.fromEntries(withoutIpv6.map((name) => [`net/ipv6/conf/${name}/disable_ipv6`, 1])), { netns })
  await runIpBatch(adjust, { netns })
}

export async function ensureBridge(spec: Omit<BridgeSpec, 'kind'>, where: InNetns = {}): Promise<void> {
  await ensureLinks([{ ...spec, kind: 'bridge' }], where)
}

/** The tap is persistent: it stays when QEMU ends. */
export async function ensureTap(spec: Omit<TapSpec, 'kind'>, where: InNetns = {}): Promise<void> {
  await ensureLinks([{ ...spec, kind: 'tap' }], where)
}

/** One with other parameters is replaced, and loses its forwarding entries. */
export async function ensureVxlan(spec: Omit<VxlanSpec, 'kind'>, where: InNetns = {}): Promise<void> {
  await ensureLinks([{ ...spec, kind: 'vxlan' }], where)
}

export type VethEnd = { name: string; mac?: string; mtu?: number; netns?: string; master?: string }

/** Two interfaces joined by a cable, usually in two namespaces. A lone end of another pair is replaced. */
export async function ensureVethPair(near: VethEnd, far: VethEnd): Promise<void> {
  const [nearLink, farLink] = await Promise.all([showLink(near.name, near), showLink(far.name, far)])
  for (const link of [nearLink, farLink]) {
    if (link && link.kind !== 'veth') throw new LinkConflict(`${link.name} exists and is no veth but ${link.kind}`)
  }
  if (!nearLink || !farLink) {
    await deleteLink(near.name, near)
    await deleteLink(far.name, far)
    const farNetns = far.netns === undefined ? [] : ['netns', netnsName(far.netns)]
    const name = interfaceName(near.name)
    if (near.netns === undefined || far.netns !== undefined) {
      await runIpBatch(
        [['link', 'add', name, 'type', 'veth', 'peer', 'name', interfaceName(far.name), ...farNetns]],
        near,
      )
    } else {
      // Only a named namespace can be given to `peer`, so make the pair from the unnamed side.
      const nearNetns = ['netns', netnsName(near.netns)]
      await runIpBatch([['link', 'add', interfaceName(far.name), 'type', 'veth', 'peer', 'name', name, ...nearNetns]])
    }
  }
  for (const { netns, ...spec } of [near, far]) await ensureLinks([{ ...spec, kind: 'existing' }], { netns })
}

export async function setMaster(name: string, master: string | undefined, { netns }: InNetns = {}): Promise<void> {
  const words = master === undefined ? ['nomaster'] : ['master', interfaceName(master)]
  await runIpBatch([['link', 'set', 'dev', interfaceName(name), ...words]], { netns })
}

export async function setMtu(name: string, mtu: number, { netns }: InNetns = {}): Promise<void> {
  await runIpBatch([['link', 'set', 'dev', interfaceName(name), 'mtu', wholeNumber('mtu', mtu, 68, 65_535)]], { netns })
}

export async function setUp(name: string, isUp: boolean, { netns }: InNetns = {}): Promise<void> {
  await runIpBatch([['link', 'set', 'dev', interfaceName(name), isUp ? 'up' : 'down']], { netns })
}

/** Afterwards the interface has exactly these addresses (with prefix length), besides link-local IPv6 ones. */
export async function ensureAddresses(name: string, wanted: readonly string[], { netns }: InNetns = {}): Promise<void> {
  await runIpBatch(planAddresses(name, wanted, await listAddresses(name, { netns })), { netns })
}

export type RouteSpec = {
  /** A network, or `default` spelled as 0.0.0.0/0 or ::/0. */
  destination: string
  gateway?: string
  device?: string
}

/** Protocol number that marks routes as ours, so that `ensureRoutes` removes only what it once added. */
const ourProtocol = '78'

/** Afterwards these are all the routes in the main table that `ensureRoutes` has made. */
export async function ensureRoutes(wanted: readonly RouteSpec[], { netns }: InNetns = {}): Promise<void> {
  await runIpBatch(planRoutes(wanted, await listRoutes({ netns })), { netns })
}

export async function deleteLink(name: string, { netns }: InNetns = {}): Promise<void> {
  try {
    await run([...ip(netns), 'link', 'delete', 'dev', interfaceName(name)])
  } catch (error) {
    if (!isAbsent(error)) throw error
  }
}

// ---- deciding (pure)

type Plan = { create: IpCommand[]; adjust: IpCommand[]; withoutIpv6: string[] }

export function planLinks(
  specs: readonly LinkSpec[],
  actual: readonly Link[],
  userNames: ReadonlyMap<string, number> = new Map(),
): Plan {
  const byName = new Map(actual.map((link) => [link.name, link]))
  const plan: Plan = { create: [], adjust: [], withoutIpv6: [] }
  for (const spec of specs) {
    const name = interfaceName(spec.name)
    let link = byName.get(name)
    if (link && isOutdated(spec, link, userNames)) {
      plan.create.push(['link', 'delete', 'dev', name])
      link = undefined
    }
    if (!link) plan.create.push(...createCommands(spec))
    if (spec.kind !== 'existing') plan.withoutIpv6.push(name)
    plan.adjust.push(...adjustCommands(spec, link))
  }
  return plan
}

function createCommands(spec: LinkSpec): IpCommand[] {
  switch (spec.kind) {
    case 'existing':
      throw new LinkConflict(`${spec.name} does not exist`)
    case 'bridge':
      // mcast_snooping off: without a querier it would drop the multicast that DHCPv6 and ND need.
      return [['link', 'add', 'name', spec.name, 'type', 'bridge', 'forward_delay', 0, 'mcast_snooping', 0]]
    case 'tap': {
      const owner = spec.ownerUid === undefined ? [] : ['user', wholeNumber('user id', spec.ownerUid, 0)]
      return [['tuntap', 'add', 'dev', spec.name, 'mode', 'tap', ...(spec.hasQueues ? ['multi_queue'] : []), ...owner]]
    }
    case 'vlan': {
      const id = wholeNumber('vlan id', spec.id, 1, 4094)
      return [['link', 'add', 'link', interfaceName(spec.parent), 'name', spec.name, 'type', 'vlan', 'id', id]]
    }
    case 'vxlan': {
      const learning = spec.learning ? 'learning' : 'nolearning'
      const id = wholeNumber('vxlan id', spec.id, 0, 2 ** 24 - 1)
      const port = wholeNumber('port', spec.port ?? 4789, 1, 65_535)
      const parameters = ['id', id, 'local', canonicalIp(spec.local), 'dstport', port, learning, 'ttl', 64]
      return [['link', 'add', 'name', spec.name, 'type', 'vxlan', ...parameters]]
    }
  }
}

function isOutdated(spec: LinkSpec, link: Link, userNames: ReadonlyMap<string, number>): boolean {
  if (spec.kind === 'existing') return false
  if (link.kind !== spec.kind) throw new LinkConflict(`${link.name} exists and is no ${spec.kind} but ${link.kind}`)
  if (spec.kind === 'tap') {
    const owner = link.owner === undefined ? undefined : (userNames.get(link.owner) ?? Number(link.owner))
    return owner !== spec.ownerUid || (spec.hasQueues !== undefined && link.hasQueues !== spec.hasQueues)
  }
  if (spec.kind === 'vlan') return link.vlan?.id !== spec.id || link.vlan.parent !== spec.parent
  if (spec.kind === 'vxlan') {
    const { id, local, port, learning } = link.vxlan ?? {}
    const isSame =
      id === spec.id &&
      local === canonicalIp(spec.local) &&
      port === (spec.port ?? 4789) &&
      learning === (spec.learning ?? false)
    return !isSame
  }
  return false
}

function adjustCommands(spec: LinkSpec, link: Link | undefined): IpCommand[] {
  const set = ['link', 'set', 'dev', spec.name]
  const commands: IpCommand[] = []
  if (spec.mac !== undefined && link?.mac !== canonicalMac(spec.mac)) {
    commands.push([...set, 'address', canonicalMac(spec.mac)])
  }
  if (spec.mtu !== undefined && link?.mtu !== spec.mtu) {
    commands.push([...set, 'mtu', wholeNumber('mtu', spec.mtu, 68, 65_535)])
  }
  if (spec.master !== undefined && link?.master !== spec.master) {
    commands.push([...set, 'master', interfaceName(spec.master)])
  }
  const { isUp = true } = spec
  if ((link?.isUp ?? false) !== isUp) commands.push([...set, isUp ? 'up' : 'down'])
  return commands
}

export function planAddresses(name: string, wanted: readonly string[], actual: readonly string[]): IpCommand[] {
  const device = ['dev', interfaceName(name)]
  const want = new Set(wanted.map(canonicalCidr))
  const have = new Set(actual)
  // Remove first: an address whose prefix length changes would otherwise lose its new network route again.
  return [
    ...[...have].filter((each) => !want.has(each)).map((each) => ['addr', 'del', each, ...device]),
    ...[...want]
      .filter((each) => !have.has(each))
      .map((each) => ['addr', 'add', each, ...device, ...(parseCidr(each).version === 6 ? ['nodad'] : [])]),
  ]
}

export function planRoutes(wanted: readonly RouteSpec[], actual: readonly Route[]): IpCommand[] {
  const key = (route: RouteSpec | Route) => `${route.destination} via ${route.gateway} dev ${route.device}`
  const specs = wanted.map(({ destination, gateway, device }) => {
    const { network, prefix } = parseCidr(destination)
    return {
      destination: `${network}/${prefix}`,
      gateway: gateway === undefined ? undefined : canonicalIp(gateway),
      device: device === undefined ? undefined : interfaceName(device),
    }
  })
  const ours = actual.filter(({ protocol }) => protocol === ourProtocol)
  const isMet = (spec: RouteSpec) =>
    ours.some((route) => key(spec.device === undefined ? { ...route, device: undefined } : route) === key(spec))
  const isWanted = (route: Route) =>
    specs.some((spec) => key(spec.device === undefined ? { ...route, device: undefined } : route) === key(spec))
  const words = ({ destination, gateway, device }: RouteSpec | Route) => [
    destination,
    ...(gateway === undefined ? [] : ['via', gateway]),
    ...(device === undefined ? [] : ['dev', device]),
    'proto',
    ourProtocol,
  ]
  const family = ({ destination }: RouteSpec | Route) => (parseCidr(destination).version === 6 ? ['-6'] : [])
  return [
    ...ours.filter((route) => !isWanted(route)).map((route) => [...family(route), 'route', 'del', ...words(route)]),
    ...specs.filter((spec) => !isMet(spec)).map((spec) => [...family(spec), 'route', 'replace', ...words(spec)]),
  ]
}

// ---- parsing (pure)

type RawLink = {
  ifname: string
  ifindex: number
  mtu: number
  address?: string
  flags: string[]
  master?: string
  link?: string
  linkinfo?: {
    info_kind?: string
    info_data?: { type?: string; user?: string | number; id?: number; local?: string; local6?: string } & {
      port?: number
      learning?: boolean
      multi_queue?: boolean
    }
  }
}

export function parseLinks(json: string): Link[] {
  return (parseJsonList(json) as Partial<RawLink>[])
    .filter((raw): raw is RawLink => raw.ifname !== undefined)
    .map((raw) => {
      const data = raw.linkinfo?.info_data ?? {}
      const kind = kindOf(raw)
      return {
        name: raw.ifname,
        index: raw.ifindex,
        kind,
        mtu: raw.mtu,
        mac: raw.address ?? '',
        isUp: raw.flags.includes('UP'),
        hasCarrier: raw.flags.includes('LOWER_UP'),
        master: raw.master,
        peer: kind === 'veth' ? raw.link : undefined,
        owner: kind === 'tap' && data.user !== undefined ? String(data.user) : undefined,
        hasQueues: kind === 'tap' && data.multi_queue === true,
        vxlan:
          kind === 'vxlan'
            ? {
                id: data.id ?? 0,
                local: data.local ?? data.local6,
                port: data.port ?? 0,
                learning: data.learning ?? true,
              }
            : undefined,
        vlan: kind === 'vlan' ? { id: data.id ?? 0, parent: raw.link } : undefined,
      }
    })
}

function kindOf({ linkinfo }: RawLink): LinkKind {
  const kind = linkinfo?.info_kind
  if (kind === 'bridge' || kind === 'veth' || kind === 'vxlan' || kind === 'vlan') return kind
  return kind === 'tun' && linkinfo?.info_data?.type === 'tap' ? 'tap' : 'other'
}

function parseRoutes(json: string, everywhere: string): Route[] {
  const raw = parseJsonList(json) as { dst?: string; gateway?: string; dev?: string; protocol?: string }[]
  return raw
    .filter(({ dst }) => dst !== undefined)
    .map(({ dst = '', gateway, dev, protocol = '' }) => ({
      destination: canonicalCidr(dst === 'default' ? everywhere : dst),
      gateway,
      device: dev,
      protocol,
    }))
}

function parseJsonList(json: string): unknown[] {
  return json.trim() === '' ? [] : (JSON.parse(json) as unknown[])
}

function ip(netns: string | undefined): string[] {
  return netns === undefined ? ['ip'] : ['ip', '-n', netnsName(netns)]
}

function batchWord(word: string): string {
  return matching('word for ip', /^[A-Za-z0-9_.:/@%+-]+$/, word)
}

function isAbsent(error: unknown): boolean {
  return error instanceof CommandFailed && /does not exist|Cannot find device|No such device/.test(error.stderr)
}

/** `ip` shows owners by name only. */
async function readUserNames(): Promise<Map<string, number>> {
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'))
  return new Map(lines.map(([name = '', , uid]) => [name, Number(uid)]))
}
