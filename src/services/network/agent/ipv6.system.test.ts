/** IPv6 as guests see it: addresses of their own, advertisements of the router, DHCPv6; and what comes back after a loss. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { waitFor } from '../../../base/wait.ts'
import { run } from '../../../host/command.ts'
import { listAddresses, listRoutes } from '../../../host/links.ts'
import { isNetns } from '../../../host/netns.ts'
import { networkPrograms } from '../../../host/packages.ts'
import { becomeHost, hostNamespaces, inNamespaces, reasonToSkip } from '../../../host/testing.ts'
import type { HostDhcp, HostNetwork, HostPort, HostRouter, HostState } from '../rpc/host-state.ts'
import { dhcpNamespace } from './names.ts'
import { guestPort, Lab, pings, securityRule, testId } from './testing.ts'

const skip = await reasonToSkip(networkPrograms)

const modes = ['slaac', 'dhcpv6-stateless', 'dhcpv6-stateful'] as const
type Mode = (typeof modes)[number]
const letter = { slaac: 'a', 'dhcpv6-stateless': 'b', 'dhcpv6-stateful': 'c' } as const
const prefixOf = (mode: Mode) => `fd00:${letter[mode]}::`
const addressOf: Record<Mode, string> = {
  slaac: 'fd00:a::f816:3eff:fe00:10a',
  'dhcpv6-stateless': 'fd00:b::f816:3eff:fe00:10b',
  'dhcpv6-stateful': 'fd00:c::77',
}
const networkOf = (mode: Mode) => testId(`n${letter[mode]}`)
const guestOf = (mode: Mode, index: number): HostPort =>
  guestPort(`g${letter[mode]}`, 10 + index, networkOf(mode), [addressOf[mode]], { securityGroupIds: ['all'] })
const guests = new Map(modes.map((mode, index) => [mode, guestOf(mode, index)]))

const network = (mode: Mode): HostNetwork => ({
  id: networkOf(mode),
  type: 'local',
  physicalNetwork: null,
  segmentationId: null,
  mtu: 1400,
  adminStateUp: true,
  peers: [],
  forwarding: [],
})
const dhcp = (mode: Mode, index: number): HostDhcp => ({
  networkId: networkOf(mode),
  port: { id: testId(`d${letter[mode]}`), mac: `fa:16:3e:00:02:0${index}` },
  addresses: [`${prefixOf(mode)}2/64`],
  mtu: 1400,
  dnsDomain: 'openstacklocal',
  servesMetadata: true,
  subnets: [
    {
      id: 's',
      cidr: `${prefixOf(mode)}/64`,
      ipVersion: 6,
      gatewayIp: `${prefixOf(mode)}1`,
      enableDhcp: true,
      dnsNameservers: ['fd00:99::53'],
      hostRoutes: [],
      ipv6AddressMode: mode,
      isRouted: true,
    },
  ],
  hosts: [
    {
      portId: guests.get(mode)!.id,
      mac: guests.get(mode)!.mac,
      hostname: 'guest',
      addresses: [{ ip: addressOf[mode], subnetId: 's' }],
      extraOptions: [],
      deviceId: 'server-1',
      projectId: 'project-1',
    },
  ],
})
const router: HostRouter = {
  id: testId('router'),
  projectId: 'project-1',
  adminStateUp: true,
  gateway: null,
  interfaces: modes.map((mode, index) => ({
    portId: testId(`r${letter[mode]}`),
    mac: `fa:16:3e:00:03:0${index}`,
    networkId: networkOf(mode),
    mtu: 1400,
    addresses: [`${prefixOf(mode)}1/64`],
    ipv6RaSubnets: [{ cidr: `${prefixOf(mode)}/64`, mode, dnsNameservers: ['fd00:99::53'] }],
  })),
  floatingIps: [],
  routes: [],
  metadataClients: [],
}
const state: HostState = {
  revision: 1,
  networks: modes.map(network),
  ports: [...guests.values()],
  securityGroups: [
    {
      id: 'all',
      isStateful: true,
      memberAddresses: [],
      rules: [
        securityRule('egress'),
        securityRule('egress', { ethertype: 'IPv6' }),
        securityRule('ingress', { ethertype: 'IPv6', protocol: 'icmpv6' }),
      ],
    },
  ],
  dhcp: modes.map(dhcp),
  routers: [router],
}

let lab: Lab
inNamespaces(import.meta.filename, { skip, unshare: hostNamespaces }, defineTests)

function defineTests() {
  before(async () => {
    await becomeHost()
    lab = await Lab.start(state, { fullLookMs: 2000 })
    for (const mode of modes) await lab.plug(mode, guests.get(mode)!)
  })
  after(async () => {
    await lab.stop()
  })

  const globalAddresses = (netns: string) => listAddresses('eth0', { netns })
  const hasDefaultRoute = async (netns: string) =>
    (await listRoutes({ netns })).some(
      ({ destination, gateway }) => destination === '::/0' && gateway?.startsWith('fe80:'),
    )

  /** A DHCPv6 client in a few lines: what the server says to a message of this type. */
  async function askDhcp6(
    netns: string,
    type: 'information' | 'request',
  ): Promise<{ addresses: string[]; dns: string[] }> {
    const { stdout } = await run([process.execPath, '-e', client, type], { netns, timeoutMs: 40_000 })
    return JSON.parse(stdout) as { addresses: string[]; dns: string[] }
  }
  const client = `
const { createSocket } = require('node:dgram')
const { networkInterfaces } = require('node:os')
const { readFileSync } = require('node:fs')
const mac = Buffer.from(readFileSync('/sys/class/net/eth0/address', 'utf8').trim().replaceAll(':', ''), 'hex')
const option = (code, data) => { const head = Buffer.alloc(4); head.writeUInt16BE(code, 0); head.writeUInt16BE(data.length, 2); return Buffer.concat([head, data]) }
const text = (data) => Array.from({ length: 8 }, (_, i) => data.readUInt16BE(2 * i).toString(16)).join(':')
const parse = (data, from) => { const all = []; for (let at = from; at + 4 <= data.length;) { const n = data.readUInt16BE(at + 2); all.push([data.readUInt16BE(at), data.subarray(at + 4, at + 4 + n)]); at += 4 + n } return all }
const message = (type, more) => Buffer.concat([Buffer.from([type, 1, 2, 3]), option(1, Buffer.concat([Buffer.from([0, 3, 0, 1]), mac])), option(8, Buffer.alloc(2)), option(6, Buffer.from([0, 23])), ...more])
const iaNa = option(3, Buffer.from([0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]))
let send = process.argv[1] === 'information' ? message(11, []) : message(1, [iaNa])
const socket = createSocket({ type: 'udp6', reuseAddr: true })
socket.on('message', (data) => {
  const options = parse(data, 4)
  const of = (code) => options.filter(([each]) => each === code).map(([, value]) => value)
  if (data[0] === 2) { send = message(3, [option(2, of(2)[0]), iaNa]); return go() }
  if (data[0] !== 7) return
  const addresses = of(3).flatMap((ia) => parse(ia, 12)).filter(([code]) => code === 5).map(([, value]) => text(value))
  const dns = of(23).flatMap((value) => Array.from({ length: value.length / 16 }, (_, i) => text(value.subarray(16 * i, 16 * i + 16))))
  process.stdout.write(JSON.stringify({ addresses, dns }))
  process.exit(0)
})
const go = () => socket.send(send, 547, 'ff02::1:2%eth0', () => undefined)
socket.bind(546, '::', () => { go(); setInterval(go, 500) })
setTimeout(() => process.exit(3), 30000)
`

  test('slaac: an address, a way out, the MTU', async () => {
    await waitFor(async () => (await globalAddresses('slaac')).includes(`${addressOf.slaac}/64`) || undefined, {
      what: 'address',
      timeoutMs: 30_000,
    })
    await waitFor(async () => (await hasDefaultRoute('slaac')) || undefined, {
      what: 'default route',
      timeoutMs: 20_000,
    })
    await waitFor(() => pings('slaac', 'fd00:a::1').then((done) => done || undefined), {
      what: 'the router',
      timeoutMs: 20_000,
    })
    const { stdout } = await run(['sysctl', '-n', 'net/ipv6/conf/eth0/mtu'], { netns: 'slaac' })
    assert.equal(stdout.trim(), '1400')
  })

  test('dhcpv6-stateless: an address by advertisement, the rest by DHCPv6', async () => {
    const netns = 'dhcpv6-stateless'
    await waitFor(async () => (await globalAddresses(netns)).includes(`${addressOf[netns]}/64`) || undefined, {
      what: 'address',
      timeoutMs: 30_000,
    })
    assert.deepEqual(await askDhcp6(netns, 'information'), { addresses: [], dns: ['fd00:99:0:0:0:0:0:53'] })
  })

  test('dhcpv6-stateful: no address but the one that DHCPv6 gives', async () => {
    const netns = 'dhcpv6-stateful'
    await waitFor(async () => (await hasDefaultRoute(netns)) || undefined, { what: 'default route', timeoutMs: 30_000 })
    assert.deepEqual(await globalAddresses(netns), [])
    assert.deepEqual(await askDhcp6(netns, 'request'), {
      addresses: ['fd00:c:0:0:0:0:0:77'],
      dns: ['fd00:99:0:0:0:0:0:53'],
    })
    await run(['ip', '-n', netns, 'addr', 'add', `${addressOf[netns]}/128`, 'dev', 'eth0', 'nodad'])
    await waitFor(() => pings(netns, addressOf.slaac).then((done) => done || undefined), {
      what: 'a guest of another network',
      timeoutMs: 20_000,
    })
  })

  test("E1: an address that is not the port's own is of no use", async () => {
    await run(['ip', '-n', 'slaac', 'addr', 'add', 'fd00:a::bad/64', 'dev', 'eth0', 'nodad'])
    assert.equal(await pings('slaac', 'fd00:a::1', '-I', 'fd00:a::bad'), false)
    assert.equal(await pings('slaac', 'fd00:a::1', '-I', addressOf.slaac), true)
  })

  test('an IPv6 address is leased to the next guest as soon as its port is another one', async () => {
    const netns = 'dhcpv6-stateful'
    const { mac: before, ...port } = guests.get(netns)!
    const mac = 'fa:16:3e:00:09:99'
    const state_ = lab.state
    const become = async (address: string) => {
      // Down and up, so that the link-local address follows.
      await run(['ip', '-n', netns, 'link', 'set', 'eth0', 'down', 'address', address])
      await run(['ip', '-n', netns, 'link', 'set', 'eth0', 'up'])
    }
    const isHere = ({ networkId }: { networkId: string }) => networkId === port.networkId
    await lab.change({
      ports: state_.ports.map((each) => (each.id === port.id ? { ...port, mac } : each)),
      dhcp: state_.dhcp.map((each) =>
        isHere(each) ? { ...each, hosts: each.hosts.map((host) => ({ ...host, mac })) } : each,
      ),
    })
    const isLeased = async () => (await askDhcp6(netns, 'request')).addresses.length > 0 || undefined
    await become(mac)
    await waitFor(isLeased, { what: 'lease of another client', timeoutMs: 20_000 })
    await lab.change(state_)
    await become(before)
    await waitFor(isLeased, { what: 'lease of the first again', timeoutMs: 20_000 })
  })

  test('a namespace that was lost comes back with DHCP and metadata in it', async () => {
    const netns = dhcpNamespace(networkOf('dhcpv6-stateless'))
    const program = `fetch('http://169.254.169.254/').then((r) => process.stdout.write(String(r.status)), () => process.exit(1))`
    const answers = () =>
      run([process.execPath, '-e', program], { netns }).then(
        ({ stdout }) => stdout,
        () => undefined,
      )
    // Nobody is known by this address: the proxy says so, which is enough to know that it is there.
    await waitFor(async () => (await answers()) === '404' || undefined, { what: 'metadata', timeoutMs: 20_000 })
    await run(['ip', 'netns', 'delete', netns])
    await waitFor(async () => (await isNetns(netns)) || undefined, { what: 'namespace', timeoutMs: 20_000 })
    await waitFor(async () => (await answers()) === '404' || undefined, { what: 'metadata again', timeoutMs: 20_000 })
    assert.deepEqual((await askDhcp6('dhcpv6-stateless', 'information')).dns, ['fd00:99:0:0:0:0:0:53'])
  })

  test('a tap that vanished while the agent was away is told', async () => {
    const port = guests.get('slaac')!
    assert.ok(lab.up.has(port.id))
    await lab.stopAgent()
    await run(['ip', 'link', 'delete', port.tap])
    await lab.startAgent()
    await waitFor(async () => lab.down.has(port.id) || undefined, { what: 'the port is down', timeoutMs: 15_000 })
    const other = guests.get('dhcpv6-stateful')!
    assert.ok(lab.up.has(other.id) && !lab.down.has(other.id))
  })

  test('E5: a DHCP option that cannot be written is told on every pass, and harms nobody', async () => {
    const extra = { name: 'bootfile-name', value: 'x\ndhcp-script=/bin/sh', ipVersion: 4 }
    const changed = lab.state.dhcp.map((each) =>
      each.networkId === networkOf('dhcpv6-stateful')
        ? { ...each, hosts: each.hosts.map((host) => ({ ...host, extraOptions: [extra] })) }
        : each,
    )
    const before = lab.errors.length
    await lab.change({ dhcp: changed })
    const told = () => lab.errors.slice(before).filter(({ what }) => what?.startsWith('DHCP option of port'))
    await waitFor(async () => told().length >= 3 || undefined, { what: 'three passes', timeoutMs: 20_000 })
    assert.deepEqual((await askDhcp6('dhcpv6-stateful', 'request')).addresses, ['fd00:c:0:0:0:0:0:77'])
  })
}
