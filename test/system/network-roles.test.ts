/**
 * The network agents of a host in four processes: they find what they need of each other on the host, each may be killed
 * while guests talk, and none touches what another one has made.
 */
import assert from 'node:assert/strict'
import { fork, spawn, type ChildProcess } from 'node:child_process'
import { statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { waitFor } from '../../src/base/wait.ts'
import { run } from '../../src/host/command.ts'
import { findDnsmasq } from '../../src/host/dnsmasq.ts'
import { listLinks } from '../../src/host/links.ts'
import { isNetns, listNetns } from '../../src/host/netns.ts'
import { networkPrograms } from '../../src/host/packages.ts'
import { becomeHost, hostNamespaces, inNamespaces, reasonToSkip } from '../../src/host/testing.ts'
import { Secret } from '../../src/platform/auth/secret.ts'
import { serveBus } from '../../src/platform/rpc/socket-bus.ts'
import { dhcpNamespace, dnsmasqFolder, routerNamespace } from '../../src/services/network/agent/names.ts'
import { folderOf, readEntries } from '../../src/services/network/agent/owned.ts'
import { guestPort, Lab, pings, securityRule, testId } from '../../src/services/network/agent/testing.ts'
import type { HostDhcp, HostPort, HostRouter, HostState } from '../../src/services/network/rpc/host-state.ts'
import { agentParts, binaries, type AgentPart } from '../../src/services/network/rpc/parts.ts'
import type { AgentProcessOptions, RoleReport } from './agent-process.ts'

const networkId = testId('net')
const externalId = testId('external')
const alice = guestPort('alice', 11, networkId, ['10.1.0.11'], { securityGroupIds: ['all'] })
const bob = guestPort('bob', 12, networkId, ['10.1.0.12'], { securityGroupIds: ['all'] })

const network = { mtu: 1400, adminStateUp: true, segmentationId: null, peers: [], forwarding: [] }
const dhcpHost = ({ id, mac, fixedIps, deviceId }: HostPort): HostDhcp['hosts'][number] => ({
  portId: id,
  mac,
  hostname: 'guest',
  addresses: [{ ip: fixedIps[0]!.ip, subnetId: 's' }],
  extraOptions: [],
  deviceId,
  projectId: 'project',
})
const dhcp: HostDhcp = {
  networkId,
  port: { id: testId('dhcp'), mac: 'fa:16:3e:00:02:01' },
  addresses: ['10.1.0.2/24'],
  mtu: 1400,
  dnsDomain: 'openstacklocal',
  servesMetadata: false,
  subnets: [
    {
      id: 's',
      cidr: '10.1.0.0/24',
      ipVersion: 4,
      gatewayIp: '10.1.0.1',
      enableDhcp: true,
      dnsNameservers: [],
      hostRoutes: [],
      ipv6AddressMode: null,
      isRouted: true,
    },
  ],
  hosts: [dhcpHost(alice)],
}
const face = (name: string, number: number, inside: string, addresses: string[]) => ({
  portId: testId(name),
  mac: `fa:16:3e:00:03:0${number}`,
  networkId: inside,
  mtu: 1400,
  addresses,
})
const client = ({ fixedIps, deviceId }: HostPort) => ({
  networkId,
  ip: fixedIps[0]!.ip,
  deviceId,
  projectId: 'project',
})
const router: HostRouter = {
  id: testId('router'),
  projectId: 'project',
  adminStateUp: true,
  gateway: { ...face('gate', 1, externalId, ['203.0.113.10/24']), nexthops: ['203.0.113.1'], enableSnat: true },
  interfaces: [{ ...face('inside', 2, networkId, ['10.1.0.1/24']), ipv6RaSubnets: [] }],
  floatingIps: [],
  routes: [],
  metadataClients: [client(alice)],
}
/** One that goes while nobody of its kind is there to see it. */
const oldRouter: HostRouter = {
  ...router,
  id: testId('older'),
  gateway: null,
  interfaces: [{ ...face('elder', 3, networkId, ['10.1.0.3/24']), ipv6RaSubnets: [] }],
  metadataClients: [],
}
const state: HostState = {
  revision: 1,
  networks: [
    { ...network, id: networkId, type: 'local', physicalNetwork: null },
    { ...network, id: externalId, type: 'flat', physicalNetwork: 'provider' },
  ],
  ports: [alice],
  securityGroups: [
    {
      id: 'all',
      isStateful: true,
      memberAddresses: [],
      rules: [securityRule('egress'), securityRule('ingress', { protocol: 'icmp' })],
    },
  ],
  dhcp: [dhcp],
  routers: [router, oldRouter],
}

const program = join(import.meta.dirname, 'agent-process.ts')
const skip = await reasonToSkip(networkPrograms)
inNamespaces(import.meta.filename, { skip, unshare: hostNamespaces }, defineTests)

function defineTests() {
  let lab: Lab
  let bus: { close(): Promise<void> }
  const processes = new Map<AgentPart, ChildProcess>()
  const reports = new Map<AgentPart, RoleReport>()

  function startRole(part: AgentPart) {
    const options: AgentProcessOptions = {
      stateDir: dirname(lab.stateDir),
      bus: join(dirname(lab.stateDir), 'bus'),
      metadataUrl: lab.metadataUrl,
    }
    const child = fork(program, [binaries[part], JSON.stringify(options)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    child.on('message', (report) => reports.set(part, report as RoleReport))
    processes.set(part, child)
  }

  async function kill(part: AgentPart) {
    const child = processes.get(part)!
    processes.delete(part)
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
  }

  const eventually = (what: string, probe: () => Promise<boolean> | boolean) =>
    waitFor(async () => (await probe()) || undefined, { what, timeoutMs: 20_000 })
  const isUp = (...ids: string[]) => eventually(`${ids.join(', ')} up`, () => ids.every((id) => lab.up.has(id)))
  const errorOf = (part: AgentPart) => reports.get(part)?.error

  async function obtains({ fixedIps }: HostPort, netns: string): Promise<boolean> {
    const argv = ['busybox', 'udhcpc', '-n', '-q', '-f', '-t', '2', '-T', '1', '-i', 'eth0', '-s', '/bin/true']
    const output = await run(argv, { netns }).then(
      ({ stderr }) => stderr,
      () => '',
    )
    return output.includes(`lease of ${fixedIps[0]!.ip} obtained`)
  }
  const asked = `fetch('http://169.254.169.254/').then((r) => r.text()).then((t) => process.stdout.write(t))`
  const isKnownAs = (netns: string, server: string): Promise<boolean> =>
    run([process.execPath, '-e', asked], { netns }).then(
      ({ stdout }) => stdout.includes(`"x-instance-id":"${server}"`),
      () => false,
    )

  /** What would not be the same if anybody had made it anew. */
  async function identities(): Promise<Record<string, unknown>> {
    const links = (await listLinks()).map(({ name, index, master }) => [name, { index, master }] as const)
    const namespaces = (await listNetns()).map((name) => [name, statSync(`/run/netns/${name}`).ino] as const)
    const dnsmasq = await findDnsmasq(dnsmasqFolder(lab.stateDir, `dhcp-${networkId}`))
    return { ...Object.fromEntries([...links, ...namespaces]), dnsmasq: dnsmasq?.pid }
  }

  const ledgerOf = (part: AgentPart) => readEntries(folderOf(lab.stateDir, part))

  /** Kills a role while alice talks through her router, does `work`, and starts the role again. */
  async function withoutRole(part: AgentPart, work: () => Promise<unknown>, done: () => Promise<unknown>) {
    const others = agentParts.filter((each) => each !== part)
    const ledgers = others.map(ledgerOf)
    const known = await identities()
    const talk = spawn('ip', ['netns', 'exec', 'alice', 'ping', '-i', '0.2', '203.0.113.1'])
    let said = ''
    talk.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
    const ended = new Promise((resolve) => talk.once('close', resolve))
    try {
      await kill(part)
      await work()
      startRole(part)
      await done()
    } finally {
      talk.kill('SIGINT')
      await ended
    }
    assert.match(said, / 0% packet loss/, `alice talks while ${part} is away`)
    assert.deepEqual(others.map(ledgerOf), ledgers, `what the others have made is theirs while ${part} comes back`)
    const now = await identities()
    for (const [name, identity] of Object.entries(known))
      if (name in now) assert.deepEqual(now[name], identity, `${name} while ${part} comes back`)
    return Object.keys(known).filter((name) => !(name in now))
  }

  before(async () => {
    await becomeHost()
    lab = await Lab.start(state, { parts: [] })
    bus = await serveBus(lab.bus, {
      path: join(dirname(lab.stateDir), 'bus'),
      key: new Secret('key'),
      controlKey: new Secret('other'),
      log: lab.log,
    })
  })
  after(async () => {
    for (const part of processes.keys()) await kill(part)
    await bus.close()
    await lab.stop()
    assert.deepEqual(await listNetns(), [], 'nephos down finds the ledgers of all')
  })

  test('roles that come first say what they miss, and go on when it is there', async () => {
    for (const part of ['metadata', 'l3', 'dhcp'] as const) startRole(part)
    for (const part of ['l3', 'dhcp'] as const)
      await eventually(`${part} misses the bridge`, () =>
        /there is no bridge .*; neutron-linuxbridge-agent makes it/.test(errorOf(part) ?? ''),
      )
    startRole('l2')
    await isUp(dhcp.port.id, router.gateway!.portId, router.interfaces[0]!.portId)
    await eventually('nobody misses anything', () => agentParts.every((part) => errorOf(part) === null))
    assert.deepEqual([...lab.binaries].sort(), Object.values(binaries).sort())
  })

  test('a guest has DHCP, a way out and its metadata', async () => {
    await lab.plug('alice', alice, ['10.1.0.11/24'])
    await run(['ip', '-n', 'alice', 'route', 'add', 'default', 'via', '10.1.0.1'])
    await eventually('a way out', () => pings('alice', '203.0.113.1'))
    await eventually('a lease', () => obtains(alice, 'alice'))
    await eventually('metadata', () => isKnownAs('alice', alice.deviceId))
  })

  test('P21: the linuxbridge agent is killed: a guest that came meanwhile is wired', async () => {
    const lost = await withoutRole(
      'l2',
      () => lab.change({ ports: [alice, bob] }),
      () => lab.plug('bob', bob, ['10.1.0.12/24']),
    )
    assert.deepEqual(lost, [])
    await run(['ip', '-n', 'bob', 'route', 'add', 'default', 'via', '10.1.0.1'])
    assert.equal(await pings('bob', '10.1.0.11'), true)
  })

  test('P21: the DHCP agent is killed: a guest that came meanwhile gets its address', async () => {
    const lost = await withoutRole(
      'dhcp',
      async () => {
        await lab.change({ dhcp: [{ ...dhcp, hosts: [alice, bob].map(dhcpHost) }] })
        assert.equal(await obtains(alice, 'alice'), true, 'dnsmasq goes on without it')
      },
      () => eventually('a lease', () => obtains(bob, 'bob')),
    )
    assert.deepEqual(lost, [])
  })

  test('P21: the L3 agent is killed: a floating IP that came meanwhile leads in, and a router that went is cleared away', async () => {
    assert.ok(await isNetns(routerNamespace(oldRouter.id)))
    const floating = { id: testId('floating'), floating: '203.0.113.20', fixed: '10.1.0.12' }
    const lost = await withoutRole(
      'l3',
      () => lab.change({ routers: [{ ...router, floatingIps: [floating] }] }),
      async () => {
        await eventually('the floating IP', () => pings(undefined, '203.0.113.20'))
        await eventually('one router', async () => !(await isNetns(routerNamespace(oldRouter.id))))
      },
    )
    const [elder] = oldRouter.interfaces
    assert.deepEqual(lost.sort(), [routerNamespace(oldRouter.id), `tap${elder!.portId.slice(0, 11)}`].sort())
  })

  test('P21: the metadata agent is killed: it answers a guest that came meanwhile', async () => {
    const lost = await withoutRole(
      'metadata',
      () =>
        lab.change({
          routers: lab.state.routers.map((each) => ({ ...each, metadataClients: [alice, bob].map(client) })),
        }),
      () => eventually('metadata', () => isKnownAs('bob', bob.deviceId)),
    )
    assert.deepEqual(lost, [])
    assert.equal(await isKnownAs('alice', alice.deviceId), true)
  })

  test('a namespace and a bridge that somebody deletes come back, each by whom it belongs to', async () => {
    await run(['ip', 'link', 'delete', `brq${networkId.slice(0, 11)}`])
    await eventually('a way out', () => pings('alice', '203.0.113.1'))
    await eventually('DHCP', () => pings('alice', '10.1.0.2'))
    await run(['ip', 'netns', 'delete', dhcpNamespace(networkId)])
    await eventually('a lease', () => obtains(alice, 'alice'))
    await run(['ip', 'netns', 'delete', routerNamespace(router.id)])
    await eventually('metadata', () => isKnownAs('alice', alice.deviceId))
  })
}
