/** What somebody else took away comes back: bridges, tunnels, namespaces, filters, dnsmasq, and taps while nobody looked. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { waitFor } from '../../../base/wait.ts'
import { run } from '../../../host/command.ts'
import { findDnsmasq } from '../../../host/dnsmasq.ts'
import { deleteLink, ensureAddresses, ensureVethPair, listAddresses, listLinks, showLink } from '../../../host/links.ts'
import { deleteNetns, isNetns, listNetns, setSysctls, showSysctl } from '../../../host/netns.ts'
import { deleteTable, listTables } from '../../../host/nft.ts'
import { networkPrograms } from '../../../host/packages.ts'
import { becomeHost, hostNamespaces, inNamespaces, reasonToSkip } from '../../../host/testing.ts'
import type { HostDhcp, HostNetwork, HostPort, HostRouter, HostState } from '../rpc/host-state.ts'
import { agentParts } from '../rpc/parts.ts'
import { followedFile, type Followed } from './followed.ts'
import { dhcpNamespace, dnsmasqFolder, routerNamespace } from './names.ts'
import { folderOf, ledgerFile, noEntries, nobodysFolder, ownedKinds, readEntries } from './owned.ts'
import { splitLedger } from './split.ts'
import { guestPort, Lab, pings, securityRule, testId } from './testing.ts'

const skip = await reasonToSkip(networkPrograms)

/** A cable that no namespace has the other end of. */
const stray = 'tapdeadbeef-00'
const networkId = testId('net')
const bridge = `brq${networkId.slice(0, 11)}`
const routerId = testId('router')
const alice = guestPort('alice', 11, networkId, ['10.1.0.11'], { securityGroupIds: ['all'] })
const bob = guestPort('bob', 12, networkId, ['10.1.0.12'], { securityGroupIds: ['all'] })

const network: HostNetwork = {
  id: networkId,
  type: 'vxlan',
  physicalNetwork: null,
  segmentationId: 77,
  mtu: 1400,
  adminStateUp: true,
  peers: ['192.0.2.77'],
  forwarding: [{ mac: 'fa:16:3e:00:00:77', peer: '192.0.2.77' }],
}
const host = (port: HostPort) => ({
  portId: port.id,
  mac: port.mac,
  hostname: 'guest',
  addresses: [{ ip: port.fixedIps[0]!.ip, subnetId: 's' }],
  extraOptions: [],
  deviceId: port.deviceId,
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
  hosts: [host(alice), host(bob)],
}
const router: HostRouter = {
  id: routerId,
  projectId: 'project',
  adminStateUp: true,
  gateway: null,
  interfaces: [
    {
      portId: testId('inside'),
      mac: 'fa:16:3e:00:03:01',
      networkId,
      mtu: 1400,
      addresses: ['10.1.0.1/24'],
      ipv6RaSubnets: [],
    },
  ],
  floatingIps: [],
  routes: [],
  metadataClients: [{ networkId, ip: '10.1.0.11', deviceId: 'server-alice', projectId: 'project' }],
}
const state: HostState = {
  revision: 1,
  networks: [network],
  ports: [alice, bob],
  securityGroups: [
    {
      id: 'all',
      isStateful: true,
      memberAddresses: [],
      rules: [securityRule('egress'), securityRule('ingress', { protocol: 'icmp' })],
    },
  ],
  dhcp: [dhcp],
  routers: [router],
}

let lab: Lab
inNamespaces(import.meta.filename, { skip, unshare: hostNamespaces }, defineTests)

function defineTests() {
  before(async () => {
    await becomeHost()
    // Long enough that what comes back sooner does so because its loss was seen.
    lab = await Lab.start(state, { fullLookMs: 60_000 })
    await lab.plug('alice', alice, ['10.1.0.11/24'])
    await lab.plug('bob', bob, ['10.1.0.12/24'])
    await run(['ip', '-n', 'alice', 'route', 'add', 'default', 'via', '10.1.0.1'])
    await eventually('all is well', async () => (await isWell()) || undefined)
  })
  after(async () => {
    await lab.stop()
    assert.equal(await showLink(stray), undefined, 'in the end what is nobody’s goes, too')
  })

  const eventually = (what: string, probe: () => Promise<true | undefined>) =>
    waitFor(probe, { what, timeoutMs: 20_000 })
  const folder = () => dnsmasqFolder(lab.stateDir, `dhcp-${networkId}`)
  const isWell = async () =>
    (await pings('alice', '10.1.0.12')) && (await pings('alice', '10.1.0.1')) && (await pings('alice', '10.1.0.2'))
  const recovers = () =>
    eventually('guests reach each other, router and DHCP', async () => (await isWell()) || undefined)

  /** Everything is looked at again, as it is every half minute. */
  async function lookAtAll() {
    await lab.stopAgent()
    await lab.startAgent()
  }

  test('a bridge that was deleted by hand comes back with all that was in it', async () => {
    await deleteLink(bridge)
    await recovers()
    const members = (await listLinks()).filter(({ master }) => master === bridge).map(({ name }) => name)
    assert.ok(members.includes(alice.tap) && members.includes(bob.tap) && members.includes('vxlan-77'))
  })

  test('a tunnel that was deleted comes back in its bridge', async () => {
    await deleteLink('vxlan-77')
    await eventually('the tunnel', async () => (await showLink('vxlan-77'))?.master === bridge || undefined)
  })

  test('a namespace that was deleted comes back: its cable went with it', async () => {
    await deleteNetns(dhcpNamespace(networkId))
    await recovers()
    await eventually('dnsmasq', async () => ((await findDnsmasq(folder())) ? true : undefined))
    await deleteNetns(routerNamespace(routerId))
    await recovers()
    const program = `fetch('http://169.254.169.254/').then((r) => r.text()).then((t) => process.stdout.write(t))`
    await eventually('metadata', () =>
      run([process.execPath, '-e', program], { netns: 'alice' }).then(
        ({ stdout }) => stdout.includes('server-alice') || undefined,
        () => undefined,
      ),
    )
  })

  test('a dnsmasq that was killed is started again', async () => {
    // The one of the namespace that is gone may just be on its way out.
    await lookAtAll()
    await eventually('dnsmasq', async () => ((await findDnsmasq(folder())) ? true : undefined))
    const { pid } = (await findDnsmasq(folder()))!
    process.kill(pid, 'SIGKILL')
    await lookAtAll()
    await eventually('another one', async () => {
      const found = await findDnsmasq(folder())
      return (found !== undefined && found.pid !== pid) || undefined
    })
  })

  test('filters that were deleted come back before anybody is let through without them', async () => {
    const tables = await listTables()
    for (const table of tables) await deleteTable(table)
    await lookAtAll()
    await eventually('the filters', async () => (await listTables()).length === tables.length || undefined)
    await run(['ip', '-n', 'alice', 'addr', 'add', '10.1.0.99/24', 'dev', 'eth0'])
    assert.equal(await pings('alice', '10.1.0.12', '-I', '10.1.0.99'), false, 'a foreign source is dropped again')
    await run(['ip', '-n', 'alice', 'addr', 'del', '10.1.0.99/24', 'dev', 'eth0'])
    await recovers()
  })

  test('E2: filters that somebody flushes are back before anybody looks for them', async () => {
    const tables = await listTables()
    for (lab.isAway of [false, true, true, false]) {
      await run(['nft', 'flush', 'ruleset'])
      await eventually('the filters', async () => (await listTables()).length === tables.length || undefined)
    }
    const [table] = tables.filter(({ family }) => family === 'bridge')
    await run(['nft', 'flush', 'chain', 'bridge', table!.name, 'prerouting'])
    await eventually('the rules', async () => {
      const { stdout } = await run(['nft', 'list', 'chain', 'bridge', table!.name, 'prerouting'])
      return stdout.includes('speakers') || undefined
    })
    await recovers()
  })

  test('filters of bridges that somebody switches off are on again', async () => {
    for (const name of ['net/bridge/bridge-nf-call-iptables', 'net/bridge/bridge-nf-call-ip6tables']) {
      await setSysctls({ [name]: 0 })
      await eventually(name, async () => (await showSysctl(name)) === '1' || undefined)
    }
  })

  test('the cloud’s own bridge of a physical network comes back with its address', async () => {
    await deleteLink('br-provider')
    await eventually('the bridge', async () => (await showLink('br-provider')) !== undefined || undefined)
    await eventually(
      'its address',
      async () => (await listAddresses('br-provider')).includes('203.0.113.1/24') || undefined,
    )
  })

  test('a tap that vanished while the agent was down is told; it is wired when it is there again', async () => {
    await lab.stopAgent()
    await deleteLink(bob.tap)
    await lab.startAgent()
    await eventually('bob is down', async () => lab.down.has(bob.id) || undefined)
    assert.equal(await pings('alice', '10.1.0.1'), true)
    await ensureVethPair({ name: bob.tap }, { name: 'eth0', netns: 'bob', mac: bob.mac })
    await ensureAddresses('eth0', ['10.1.0.12/24'], { netns: 'bob' })
    await eventually('bob is up', async () => lab.up.has(bob.id) || undefined)
    await recovers()
  })

  test('P21: the one ledger of earlier versions becomes one for each part: nothing is lost, and nothing made anew', async () => {
    await lab.stopAgent()
    const folders = agentParts.map((part) => folderOf(lab.stateDir, part))
    const read = () =>
      folders.map((folder) => {
        const { epoch, state } = JSON.parse(readFileSync(followedFile(folder), 'utf8')) as Followed
        return { owned: readEntries(folder), epoch, state }
      })
    const known = read()
    const identities = async () => [
      (await listLinks()).map(({ name, index, master }) => [name, index, master]),
      (await listNetns()).map((name) => [name, statSync(`/run/netns/${name}`).ino]),
      (await findDnsmasq(folder()))?.pid,
    ]
    // Made by one of them, but it leads nowhere; and one that is not there any more.
    await ensureVethPair({ name: stray }, { name: 'stray' })
    const before = await identities()
    const all = folders.map(readEntries)
    const joined = Object.fromEntries(ownedKinds.map((kind) => [kind, all.flatMap((entries) => entries[kind])]))
    joined['links']!.push(stray, 'tap00000000-01')
    const [l2] = folders
    for (const isCut of [false, true]) {
      writeFileSync(followedFile(lab.stateDir), JSON.stringify({ epoch: 'e', state: lab.state }))
      writeFileSync(ledgerFile(lab.stateDir), JSON.stringify(joined))
      // A power cut in the middle of it: what is there already is as it was made.
      for (const folder of folders) if (folder !== l2 || !isCut) rmSync(folder, { recursive: true })
      await Promise.all([splitLedger(lab.stateDir, lab.log), splitLedger(lab.stateDir, lab.log)])
      assert.deepEqual(read(), known)
      assert.deepEqual(readEntries(nobodysFolder(lab.stateDir)), { ...noEntries(), links: [stray] })
      assert.deepEqual([ledgerFile(lab.stateDir), followedFile(lab.stateDir)].filter(existsSync), [])
    }
    await lab.startAgent()
    await recovers()
    assert.deepEqual(await identities(), before)
    assert.deepEqual(read(), known)
  })

  test('what went while the agent was down is cleared away, and what came is made', async () => {
    await lab.stopAgent()
    lab.state = { ...state, revision: 100, routers: [], ports: [alice] }
    await lab.startAgent()
    await eventually('no router', async () => !(await isNetns(routerNamespace(routerId))) || undefined)
    await eventually('bob is unplugged', async () => (await showLink(bob.tap))?.master === undefined || undefined)
    assert.deepEqual(
      (await listNetns()).filter((name) => name.startsWith('q')),
      [dhcpNamespace(networkId)],
    )
    await lab.change(state)
    await recovers()
  })

  test('nothing of all this was an error', () => {
    assert.deepEqual(
      lab.errors.filter(({ message }) => !/not exist|No such|cannot find|gone/i.test(message ?? '')),
      [],
    )
  })
}
