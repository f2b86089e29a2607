/** Packets against the filters, in the kernel: who a guest may be, stateless groups, the host as a neighbour. */
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { after, before, test } from 'node:test'
import { waitFor } from '../../../base/wait.ts'
import { run } from '../../../host/command.ts'
import { findProgram, networkPrograms } from '../../../host/packages.ts'
import { becomeHost, hostNamespaces, inNamespaces, reasonToSkip } from '../../../host/testing.ts'
import type { HostNetwork, HostPort, HostSecurityGroup, HostState } from '../rpc/host-state.ts'
import { linkLocalOf } from './anti-spoofing.ts'
import { arpReply, ethernet, neighbourAdvertisement, routerAdvertisement, tagged, udp4, ipv6 } from './frames.ts'
import { bridgeName } from './names.ts'
import { guestPort, Lab, pings, securityRule, testId } from './testing.ts'

const skip = (await reasonToSkip(networkPrograms)) || ((await findProgram('socat')) ? false : 'needs: socat')

const [tenant, provider] = [testId('net'), testId('flat')]
const network = (id: string, type: 'local' | 'flat'): HostNetwork => ({
  id,
  type,
  physicalNetwork: type === 'flat' ? 'provider' : null,
  segmentationId: null,
  mtu: 1500,
  adminStateUp: true,
  peers: [],
  forwarding: [],
})
const anything = [securityRule('egress'), securityRule('egress', { ethertype: 'IPv6' })]
const ping = securityRule('ingress', { protocol: 'icmp' })
const onlyRequests = securityRule('ingress', { protocol: 'icmp', portRangeMin: 8 })
const group = (id: string, rules: HostSecurityGroup['rules'], isStateful = true): HostSecurityGroup => ({
  id,
  isStateful,
  rules,
  memberAddresses: [],
})
const v6Of = (number: number) => `fd00:a::${number}`
const alice = guestPort('alice', 11, tenant, ['10.1.0.11', v6Of(11)], { securityGroupIds: ['closed'] })
const bob = guestPort('bob', 12, tenant, ['10.1.0.12', v6Of(12)], { securityGroupIds: ['open'] })
const simple = guestPort('simple', 13, tenant, ['10.1.0.13'], { securityGroupIds: ['simple'] })
const free = guestPort('free', 14, tenant, ['10.1.0.14'], { portSecurityEnabled: false })
const flat = guestPort('flat', 15, provider, ['203.0.113.50'], { securityGroupIds: ['flat'] })
const openGroup = group('open', [...anything, securityRule('ingress'), securityRule('ingress', { ethertype: 'IPv6' })])
const groups = [
  group('closed', anything),
  openGroup,
  group('simple', [...anything, onlyRequests], false),
  group('flat', anything),
]
const state: HostState = {
  revision: 1,
  networks: [network(tenant, 'local'), network(provider, 'flat')],
  ports: [alice, bob, simple, free, flat],
  securityGroups: groups,
  dhcp: [],
  routers: [],
}
const withGroup = (changed: HostSecurityGroup) => ({
  securityGroups: lab.state.securityGroups.map((each) => (each.id === changed.id ? changed : each)),
})

let lab: Lab
inNamespaces(import.meta.filename, { skip, unshare: hostNamespaces }, defineTests)

function defineTests() {
  before(async () => {
    await becomeHost()
    lab = await Lab.start(state)
    await lab.plug('alice', alice, ['10.1.0.11/24', `${v6Of(11)}/64`])
    await lab.plug('bob', bob, ['10.1.0.12/24', `${v6Of(12)}/64`])
    await lab.plug('simple', simple, ['10.1.0.13/24'])
    await lab.plug('free', free, ['10.1.0.14/24'])
    await lab.plug('flat', flat, ['203.0.113.50/24'])
  })
  after(async () => {
    await lab.stop()
  })

  /** How many frames bob's device takes for one that alice sends. */
  async function arrives(frame: Buffer, filter: string): Promise<boolean> {
    const rule = `table netdev seen\ndelete table netdev seen\ntable netdev seen { counter hits { }\n chain in { type filter hook ingress device eth0 priority 0; ${filter} counter name hits\n }\n}\n`
    await run(['nft', '-f', '-'], { netns: 'bob', input: rule })
    await run(['socat', '-u', '-', 'INTERFACE:eth0'], { netns: 'alice', input: frame })
    // A frame that is let through behind it shows that the first one had its time.
    assert.ok(await pings('alice', '10.1.0.12'), 'alice reaches bob')
    const { stdout } = await run(['nft', '-j', 'list', 'counter', 'netdev', 'seen', 'hits'], { netns: 'bob' })
    const objects = (JSON.parse(stdout) as { nftables: { counter?: { packets: number } }[] }).nftables
    return (objects.find(({ counter }) => counter)?.counter?.packets ?? 0) > 0
  }

  const everybody = '33:33:00:00:00:01'
  const target = (address: string) =>
    `icmpv6 type nd-neighbor-advert icmpv6 checksum != 0 ip6 hoplimit 255 @th,64,128 0x${address}`
  const hex = (address: string) => v6Hex(address)
  function v6Hex(address: string): string {
    const [head = '', tail = ''] = address.split('::')
    const words = (text: string) => (text === '' ? [] : text.split(':'))
    const zeros = Array.from({ length: 8 - words(head).length - words(tail).length }, () => '0')
    return [...words(head), ...zeros, ...words(tail)].map((word) => word.padStart(4, '0')).join('')
  }

  test('E1, H6: a neighbour advertisement passes for an own address only, whatever its source', async () => {
    const own = linkLocalOf(alice.mac)
    const say = (from: string, what: string) =>
      arrives(
        ethernet(everybody, alice.mac, 0x86dd, neighbourAdvertisement(from, 'ff02::1', what, alice.mac)),
        target(hex(what)),
      )
    assert.equal(await say(v6Of(11), v6Of(11)), true, 'its own')
    assert.equal(await say(v6Of(11), v6Of(1)), false, "the router's")
    assert.equal(await say(own, v6Of(12)), false, "its neighbour's")
    assert.equal(await say(v6Of(12), v6Of(12)), false, 'a foreign source')
  })

  test('E1, H6: router advertisements, redirects and foreign IPv6 sources stay at home', async () => {
    const own = linkLocalOf(alice.mac)
    const frame = (packet: Buffer) => ethernet(everybody, alice.mac, 0x86dd, packet)
    assert.equal(await arrives(frame(routerAdvertisement(own)), 'icmpv6 type nd-router-advert'), false)
    // Behind a header that a simple filter does not look past.
    const hidden = routerAdvertisement(own)
    const padded = ipv6(own, 'ff02::1', 0, Buffer.concat([Buffer.from([58, 0, 1, 4, 0, 0, 0, 0]), hidden.subarray(40)]))
    assert.equal(await arrives(frame(padded), 'meta l4proto 58 icmpv6 type nd-router-advert'), false)
    const foreign = ipv6(v6Of(77), v6Of(12), 17, Buffer.from([0, 9, 0, 9, 0, 8, 0, 0]))
    assert.equal(await arrives(ethernet(bob.mac, alice.mac, 0x86dd, foreign), 'ip6 nexthdr 17 udp dport 9'), false)
    const honest = ipv6(v6Of(11), v6Of(12), 17, Buffer.from([0, 9, 0, 9, 0, 8, 0, 0]))
    assert.equal(await arrives(ethernet(bob.mac, alice.mac, 0x86dd, honest), 'ip6 nexthdr 17 udp dport 9'), true)
  })

  test('E1, H6: ARP, MAC, IPv4, DHCP and VLAN tags cannot be forged', async () => {
    const arp = (mac: string, address: string) =>
      arrives(
        ethernet(bob.mac, alice.mac, 0x0806, arpReply(mac, address, bob.mac, '10.1.0.12')),
        `arp saddr ip ${address} arp operation reply arp saddr ether ${mac}`,
      )
    assert.equal(await arp(alice.mac, '10.1.0.11'), true, 'its own')
    assert.equal(await arp(alice.mac, '10.1.0.1'), false, "the router's")
    assert.equal(await arp(bob.mac, '10.1.0.11'), false, 'a foreign MAC inside')
    const packet = udp4('10.1.0.11', '10.1.0.12', 7, 9)
    const seen = 'udp dport 9'
    assert.equal(await arrives(ethernet(bob.mac, alice.mac, 0x0800, packet), seen), true, 'honest')
    assert.equal(await arrives(ethernet(bob.mac, 'fa:16:3e:99:99:99', 0x0800, packet), seen), false, 'MAC')
    assert.equal(
      await arrives(ethernet(bob.mac, alice.mac, 0x0800, udp4('10.1.0.99', '10.1.0.12', 7, 9)), seen),
      false,
      'IPv4',
    )
    const offer = udp4('10.1.0.11', '10.1.0.12', 67, 68)
    assert.equal(await arrives(ethernet(bob.mac, alice.mac, 0x0800, offer), 'udp dport 68'), false, 'DHCP server')
    const tag = tagged(ethernet(bob.mac, alice.mac, 0x0800, packet), 100)
    assert.equal(
      await arrives(tag, 'ether saddr fa:16:3e:00:01:0b meta protocol != { ip, ip6, arp }'),
      false,
      'VLAN tag',
    )
    assert.equal(await arrives(tag, seen), false, 'what a VLAN tag hides')
  })

  test('a stateless group lets no answer in that no rule lets in, and tracks nothing', async () => {
    assert.equal(await pings('alice', '10.1.0.13'), true, 'the stateful side has its answer')
    await lab.change(withGroup(group('closed', [...anything, ping])))
    await waitFor(() => pings('bob', '10.1.0.11').then((done) => done || undefined), {
      what: 'rule of alice',
      timeoutMs: 10_000,
    })
    assert.equal(await pings('simple', '10.1.0.11'), false, 'an answer is a packet like any other')
    assert.equal(await pings('simple', '10.1.0.14'), false)

    const watch = `table inet watch { counter tracked { }\n counter untracked { }\n chain f { type filter hook forward priority 10; ip addr 10.1.0.14\n }\n}`
    const lines = watch.replace(
      'ip addr 10.1.0.14',
      'ip saddr 10.1.0.13 ct state untracked counter name untracked\n ip saddr 10.1.0.13 ct state != untracked counter name tracked',
    )
    await run(['nft', '-f', '-'], { input: `${lines}\n` })
    await pings('simple', '10.1.0.14')
    const { stdout } = await run(['nft', 'list', 'table', 'inet', 'watch'])
    await run(['nft', 'delete', 'table', 'inet', 'watch'])
    assert.match(stdout, /counter untracked \{\s*packets [1-9]/)
    assert.match(stdout, /counter tracked \{\s*packets 0/)

    await lab.change(withGroup(group('simple', [...anything, ping], false)))
    await waitFor(() => pings('simple', '10.1.0.14').then((done) => done || undefined), {
      what: 'rule for answers',
      timeoutMs: 10_000,
    })
  })

  test('E7, H6: the host passes the groups of a guest in its own bridge, both ways', async () => {
    assert.equal(await pings('flat', '203.0.113.1'), true, 'the guest may ask, and hears the answer')
    assert.equal(await pings(undefined, '203.0.113.50'), false, 'nobody may ask the guest')
    await lab.change(withGroup(group('flat', [...anything, ping])))
    await waitFor(() => pings(undefined, '203.0.113.50').then((done) => done || undefined), {
      what: 'ingress',
      timeoutMs: 10_000,
    })
    assert.equal(await pings(undefined, '203.0.113.50', '-s', '4000'), true, 'in fragments too')
    await lab.change(withGroup(group('flat', [ping])))
    await waitFor(async () => !(await pings('flat', '203.0.113.1')) || undefined, {
      what: 'no egress',
      timeoutMs: 10_000,
    })
    assert.equal(await pings(undefined, '203.0.113.50'), true, 'it still answers')
  })

  test('E7, H6: a guest of a tenant network reaches neither the host nor, through it, anybody else', async (t) => {
    await lab.change(withGroup(group('flat', [...anything, ping])))
    await waitFor(() => pings('flat', '203.0.113.1').then((done) => done || undefined), {
      what: 'egress',
      timeoutMs: 10_000,
    })
    await run(['ip', 'addr', 'add', '198.51.100.1/32', 'dev', 'lo'])
    await run(['ip', 'link', 'add', 'sink', 'type', 'veth', 'peer', 'name', 'drain'])
    await run(['ip', 'addr', 'add', '192.0.2.1/24', 'dev', 'sink'])
    for (const device of ['sink', 'drain']) await run(['ip', 'link', 'set', device, 'up'])
    await run(['sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv4.conf.all.rp_filter=0'])
    const counting =
      'table inet seen { counter hits { }\n chain out { type filter hook postrouting priority 300; oifname "sink" udp dport 7777 counter name hits\n }\n }\n'
    await run(['nft', '-f', '-'], { input: counting })
    const heard: string[] = []
    const host = createSocket('udp4', (_message, { address }) => void heard.push(address))
    await new Promise<void>((resolve) => host.bind(7777, '198.51.100.1', resolve))
    t.after(async () => {
      host.close()
      await run(['nft', 'delete', 'table', 'inet', 'seen'])
      await run(['ip', 'link', 'delete', 'sink'])
      await run(['ip', 'addr', 'delete', '198.51.100.1/32', 'dev', 'lo'])
    })
    const forwarded = async () => {
      const { stdout } = await run(['nft', '-j', 'list', 'counter', 'inet', 'seen', 'hits'])
      const objects = (JSON.parse(stdout) as { nftables: { counter?: { packets: number } }[] }).nftables
      return objects.find(({ counter }) => counter)?.counter?.packets ?? 0
    }
    const send = async (guest: HostPort, netns: string, of: HostNetwork, to: string) => {
      const bridge = bridgeName(of, new Map([['provider', 'br-provider']]))
      const { stdout } = await run(['ip', '-j', 'link', 'show', bridge])
      const [{ address }] = JSON.parse(stdout) as [{ address: string }]
      const packet = udp4(guest.fixedIps[0]!.ip, to, 7777, 7777)
      await run(['socat', '-u', '-', 'INTERFACE:eth0'], { netns, input: ethernet(address, guest.mac, 0x0800, packet) })
    }
    for (const to of ['198.51.100.1', '192.0.2.2']) {
      await send(alice, 'alice', network(tenant, 'local'), to)
      await send(free, 'free', network(tenant, 'local'), to)
    }
    assert.equal(await forwarded(), 0, 'the host routes nothing for tenants')
    // The provider network is the host's own: what comes from there shows that the others had their time.
    for (const to of ['192.0.2.2', '198.51.100.1']) await send(flat, 'flat', network(provider, 'flat'), to)
    await waitFor(async () => heard.includes('203.0.113.50') || undefined, { what: 'a packet', timeoutMs: 5000 })
    assert.deepEqual(heard, ['203.0.113.50'])
    assert.equal(await forwarded(), 1)
  })

  test('H6: what the host routes to a guest passes its groups too', async () => {
    await run(['ip', 'netns', 'add', 'far'])
    await run(['ip', 'link', 'add', 'to-far', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', 'far'])
    await run(['ip', 'addr', 'add', '192.0.2.1/24', 'dev', 'to-far'])
    await run(['ip', 'link', 'set', 'to-far', 'up'])
    await run(['ip', '-n', 'far', 'addr', 'add', '192.0.2.2/24', 'dev', 'eth0'])
    await run(['ip', '-n', 'far', 'link', 'set', 'eth0', 'up'])
    await run(['ip', '-n', 'far', 'route', 'add', 'default', 'via', '192.0.2.1'])
    await run(['ip', '-n', 'flat', 'route', 'add', 'default', 'via', '203.0.113.1'])
    await run(['sysctl', '-qw', 'net.ipv4.ip_forward=1'])
    assert.equal(await pings('far', '203.0.113.50'), true, 'ping is let in')
    await lab.change(withGroup(group('flat', [])))
    await waitFor(async () => !(await pings('far', '203.0.113.50')) || undefined, { what: 'closed', timeoutMs: 10_000 })
    assert.equal(await pings('flat', '192.0.2.2'), false, 'nothing leaves')
    await lab.change(withGroup(group('flat', anything)))
    await waitFor(() => pings('flat', '192.0.2.2').then((done) => done || undefined), {
      what: 'egress',
      timeoutMs: 10_000,
    })
    assert.equal(await pings('far', '203.0.113.50'), false)
    await run(['ip', 'link', 'delete', 'to-far'])
    await run(['ip', 'netns', 'delete', 'far'])
  })

  test('D10, H6: a rule that is taken away ends the connections that it let in', async () => {
    const same = ['-e', '77'] // the same connection, as ICMP counts them
    assert.equal(await pings('alice', '10.1.0.12', ...same), true)
    await lab.change(withGroup(group('open', anything)))
    await waitFor(async () => !(await pings('free', '10.1.0.12')) || undefined, { what: 'closed', timeoutMs: 10_000 })
    assert.equal(await pings('alice', '10.1.0.12', ...same), false)
    await lab.change(withGroup(openGroup))
    await waitFor(() => pings('alice', '10.1.0.12', ...same).then((done) => done || undefined), {
      what: 'open',
      timeoutMs: 10_000,
    })
  })

  test('E2, E5: a port that cannot be described is closed and told, and the others are not', async () => {
    const broken: HostPort = { ...bob, allowedAddressPairs: [{ mac: 'x; accept', cidr: '10.1.0.0/24' }] }
    await lab.change({ ports: lab.state.ports.map((port) => (port.id === bob.id ? broken : port)) })
    await waitFor(async () => lab.down.has(bob.id) || undefined, { what: 'bob is down', timeoutMs: 10_000 })
    const isTold = () => lab.reports.some(({ portId, message }) => portId === bob.id && /is blocked/.test(message))
    await waitFor(async () => isTold() || undefined, { what: 'the reason is told', timeoutMs: 15_000 })
    assert.equal(await pings('free', '10.1.0.12'), false)
    assert.equal(await pings('free', '10.1.0.11'), true)
    await lab.change({ ports: lab.state.ports.map((port) => (port.id === bob.id ? bob : port)) })
    await waitFor(() => pings('free', '10.1.0.12').then((done) => done || undefined), {
      what: 'bob again',
      timeoutMs: 15_000,
    })
  })

  test('P20: while the agent is away, and while it comes back, the filters let through what they let through before', async () => {
    const trickle = (address: string) =>
      run(['ping', '-i', '0.05', '-c', '80', '-W', '1', address], { netns: 'free', timeoutMs: 30_000 }).then(
        ({ stdout }) => stdout,
        (error: unknown) => String(error) + (error as { stdout?: string }).stdout,
      )
    await lab.change(withGroup(group('closed', anything)))
    await waitFor(async () => !(await pings('free', '10.1.0.11')) || undefined, { what: 'closed', timeoutMs: 10_000 })
    const [closed, open] = [trickle('10.1.0.11'), trickle('10.1.0.12')]
    await lab.stopAgent()
    assert.equal(await pings('free', '10.1.0.11'), false, 'without an agent')
    lab.state = { ...lab.state, revision: lab.state.revision + 1 }
    await lab.startAgent()
    assert.doesNotMatch(await closed, / [1-9]\d* received/)
    assert.match(await open, / (7\d|80) received/)
  })

  test('any address may be an allowed one', async () => {
    const pairs = ['0.0.0.0/0', '::/0', 'fd00:b::/61', '10.7.0.0/16'].map((cidr) => ({ mac: alice.mac, cidr }))
    await lab.change({
      ports: lab.state.ports.map((port) => (port.id === alice.id ? { ...alice, allowedAddressPairs: pairs } : port)),
    })
    const frame = ethernet(bob.mac, alice.mac, 0x0800, udp4('192.0.2.9', '10.1.0.12', 7, 9))
    await waitFor(() => arrives(frame, 'udp dport 9').then((done) => done || undefined), {
      what: 'pairs',
      timeoutMs: 15_000,
    })
    assert.deepEqual(
      lab.errors.filter(({ message }) => !message?.includes('blocked')),
      [],
    )
  })
}
