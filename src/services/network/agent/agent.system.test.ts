/** The agent on a host of its own: this file runs itself again in new namespaces, so that the real host is untouched. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { tapName } from '../../../base/device-names.ts'
import { waitFor } from '../../../base/wait.ts'
import { run } from '../../../host/command.ts'
import { findDnsmasq } from '../../../host/dnsmasq.ts'
import { listFdb } from '../../../host/fdb.ts'
import { ensureAddresses, ensureBridge, ensureVethPair, listLinks } from '../../../host/links.ts'
import { ensureNetns, listNetns } from '../../../host/netns.ts'
import { listTables } from '../../../host/nft.ts'
import { networkPrograms } from '../../../host/packages.ts'
import { becomeHost, hostNamespaces, inNamespaces, reasonToSkip } from '../../../host/testing.ts'
import { Secret } from '../../../platform/auth/secret.ts'
import { createLogger } from '../../../platform/log/log.ts'
import { rpcFanout, rpcServe } from '../../../platform/rpc/contract.ts'
import { LocalBus } from '../../../platform/rpc/local-bus.ts'
import { agentContracts, neutronContract, type HostState } from '../rpc/host-state.ts'
import { agentParts } from '../rpc/parts.ts'
import { createNetworkAgent } from './agent.ts'
import { destroyNetworking } from './destroy.ts'
import { dnsmasqFolder } from './names.ts'

const skip = await reasonToSkip(networkPrograms)

const id = (digit: string) =>
  `${digit.repeat(8)}-${digit.repeat(4)}-4${digit.repeat(3)}-8${digit.repeat(3)}-${digit.repeat(12)}`
const [network, external, guest, dhcpPort, routerPort, gatewayPort, router, group, subnet, externalPort] = [
  ...'123456789a',
].map(id) as [string, string, string, string, string, string, string, string, string, string]
const guestMac = 'fa:16:3e:00:00:11'
const tap = tapName(guest)

const stateWith = (rules: HostState['securityGroups'][number]['rules'], revision: number): HostState => ({
  revision,
  networks: [
    {
      id: network,
      type: 'vxlan',
      physicalNetwork: null,
      segmentationId: 7,
      mtu: 1450,
      adminStateUp: true,
      peers: [],
      forwarding: [],
    },
    {
      id: external,
      type: 'flat',
      physicalNetwork: 'provider',
      segmentationId: null,
      mtu: 1500,
      adminStateUp: true,
      peers: [],
      forwarding: [],
    },
  ],
  ports: [
    {
      id: guest,
      networkId: network,
      mac: guestMac,
      deviceOwner: 'compute:nova',
      deviceId: 'server-1',
      tap,
      adminStateUp: true,
      portSecurityEnabled: true,
      allowedAddressPairs: [],
      securityGroupIds: [group],
      fixedIps: [{ ip: '10.1.0.11', subnetId: subnet, prefixLength: 24 }],
    },
  ],
  securityGroups: [{ id: group, isStateful: true, rules, memberAddresses: ['10.1.0.11'] }],
  dhcp: [
    {
      networkId: network,
      port: { id: dhcpPort, mac: 'fa:16:3e:00:00:02' },
      addresses: ['10.1.0.2/24'],
      mtu: 1450,
      dnsDomain: 'openstacklocal.',
      servesMetadata: false,
      subnets: [
        {
          id: subnet,
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
      hosts: [
        {
          portId: guest,
          mac: guestMac,
          hostname: 'vm1',
          addresses: [{ ip: '10.1.0.11', subnetId: subnet }],
          extraOptions: [],
          deviceId: 'server-1',
          projectId: 'project-1',
        },
      ],
    },
  ],
  routers: [
    {
      id: router,
      projectId: 'project-1',
      adminStateUp: true,
      gateway: {
        portId: gatewayPort,
        mac: 'fa:16:3e:00:00:03',
        networkId: external,
        mtu: 1500,
        addresses: ['203.0.113.10/24'],
        nexthops: ['203.0.113.1'],
        enableSnat: true,
      },
      interfaces: [
        {
          portId: routerPort,
          mac: 'fa:16:3e:00:00:04',
          networkId: network,
          mtu: 1450,
          addresses: ['10.1.0.1/24'],
          ipv6RaSubnets: [],
        },
      ],
      floatingIps: [{ id: externalPort, floating: '203.0.113.20', fixed: '10.1.0.11' }],
      routes: [],
      metadataClients: [{ networkId: network, ip: '10.1.0.11', deviceId: 'server-1', projectId: 'project-1' }],
    },
  ],
})

const anyEgress = rule('egress', null)
function rule(
  direction: 'ingress' | 'egress',
  protocol: string | null,
): HostState['securityGroups'][number]['rules'][number] {
  return {
    id: `${direction}-${protocol}`,
    direction,
    ethertype: 'IPv4',
    protocol,
    portRangeMin: null,
    portRangeMax: null,
    remoteCidr: null,
    remoteGroupId: null,
  }
}

inNamespaces(import.meta.filename, { skip, unshare: hostNamespaces }, () =>
  test('networks, DHCP, routers, floating IPs and filters', checkEverything),
)

async function checkEverything() {
  await becomeHost()
  const stateDir = await mkdtemp(join(tmpdir(), 'nephos-agent-'))
  const metadata = createServer((request, response) => response.end(JSON.stringify(request.headers)))
  await new Promise<void>((resolve) => metadata.listen(0, '127.0.0.1', resolve))
  const bus = new LocalBus('host1')
  let state = stateWith([anyEgress], 1)
  const up = new Set<string>()
  rpcServe(bus, neutronContract, 'server', {
    pullPorts: async () => ({ revision: 0, ports: null }),
    pullHost: async ({ revision }) => ({
      state: revision === state.revision ? null : state,
      epoch: 'e',
      doubted: [],
    }),
    reportPorts: async (report) => {
      for (const each of report.up) up.add(each)
      for (const each of report.down) up.delete(each)
      return {}
    },
    reportAgents: async () => ({}),
  })
  const errors: object[] = []
  const quiet = createLogger({ name: 'test' })
  const log = {
    ...quiet,
    debug: () => {},
    info: () => {},
    warn: () => {},
    error: (fields: object) => void errors.push(fields),
    child: () => log,
  }
  await ensureBridge({ name: 'br-provider' })
  await ensureAddresses('br-provider', ['203.0.113.1/24'])
  const startAgain = () =>
    createNetworkAgent({
      host: 'host1',
      bus,
      stateDir,
      cloudName: 'test cloud',
      log,
      bridgeMappings: new Map([['provider', 'br-provider']]),
      localIp: '127.0.0.1',
      parts: agentParts,
      metadata: { url: `http://127.0.0.1:${(metadata.address() as AddressInfo).port}/`, secret: new Secret('key') },
    })
  let agent = startAgain()
  const before = (await listLinks()).map(({ name }) => name).sort()
  try {
    await agent.start()
    const dir = dnsmasqFolder(stateDir, `dhcp-${network}`)
    await waitFor(async () => (await findDnsmasq(dir)) !== undefined, { what: 'dnsmasq', timeoutMs: 20_000 })
    await waitFor(async () => up.size === 4, { what: 'ports of DHCP and router, floating IP', timeoutMs: 20_000 })
    assert.ok(up.has(`${externalPort}/10.1.0.11`))
    assert.ok(!up.has(guest), 'no tap yet')

    // The guest is a namespace at the other end of a cable that is called like its tap.
    await ensureNetns('guest')
    await ensureVethPair({ name: tap }, { name: 'eth0', netns: 'guest', mac: guestMac })
    await ensureAddresses('eth0', ['10.1.0.11/24'], { netns: 'guest' })
    await run(['ip', '-n', 'guest', 'route', 'add', 'default', 'via', '10.1.0.1'])
    await waitFor(async () => up.has(guest), { what: 'port up', timeoutMs: 20_000 })
    await waitFor(async () => (await listNetns()).includes(`qrouter-${router}`), { what: 'router', timeoutMs: 20_000 })

    const pings = async (netns: string | undefined, address: string) =>
      run(['ping', '-c1', '-W1', address], { netns }).then(
        () => true,
        () => false,
      )
    await waitFor(() => pings('guest', '203.0.113.1'), { what: 'way out through the router', timeoutMs: 15_000 })
    assert.equal(await pings(undefined, '203.0.113.20'), false, 'the floating IP is closed by the security group')

    const dhcp = ['busybox', 'udhcpc', '-n', '-q', '-f', '-t', '5', '-T', '1', '-i', 'eth0', '-s', '/bin/true']
    assert.match((await run(dhcp, { netns: 'guest' })).stderr, /lease of 10\.1\.0\.11 obtained/)

    const program = `fetch('http://169.254.169.254/x',{headers:{'x-tenant-id':'mine'}}).then((r) => r.text()).then((t) => process.stdout.write(t))`
    const { stdout } = await run([process.execPath, '-e', program], { netns: 'guest' })
    const headers = JSON.parse(stdout) as Record<string, string>
    assert.equal(headers['x-instance-id'], 'server-1')
    assert.equal(headers['x-tenant-id'], 'project-1')

    state = stateWith(
      [
        anyEgress,
        rule('ingress', 'icmp'),
        // Every kind of rule, so that the kernel has seen it.
        { ...rule('ingress', 'icmp'), ethertype: 'IPv6', portRangeMin: 128, portRangeMax: 0 },
        { ...rule('ingress', 'udp'), portRangeMin: 1, portRangeMax: 65_535, remoteCidr: '192.0.2.0/24' },
        { ...rule('ingress', null), remoteGroupId: group },
        { ...rule('egress', null), ethertype: 'IPv6', remoteGroupId: group },
        { ...rule('egress', 'tcp'), ethertype: 'IPv6', portRangeMin: 80, portRangeMax: 80, remoteCidr: 'fd00::/8' },
        { ...rule('ingress', 'sctp'), portRangeMin: 5, portRangeMax: 6 },
        rule('ingress', 'vrrp'),
        rule('ingress', '99'),
      ],
      2,
    )
    await rpcFanout(bus, agentContracts.l2).look({})
    await waitFor(() => pings(undefined, '203.0.113.20'), { what: 'ping to the floating IP', timeoutMs: 15_000 })

    await run(['ip', '-n', 'guest', 'addr', 'add', '10.1.0.99/24', 'dev', 'eth0'])
    const spoofed = await run(['ping', '-c1', '-W1', '-I', '10.1.0.99', '10.1.0.1'], { netns: 'guest' }).then(
      () => true,
      () => false,
    )
    assert.equal(spoofed, false, 'a foreign source address is dropped')

    state = { ...state, revision: 3, ports: [], routers: [] }
    await rpcFanout(bus, agentContracts.l2).look({})
    await waitFor(async () => !up.has(guest) && up.size === 1, { what: 'only DHCP', timeoutMs: 15_000 })
    assert.equal(
      (await listLinks()).find(({ name }) => name === tap)?.master,
      undefined,
      'a tap without a port is unplugged',
    )
    assert.deepEqual(await listNetns().then((all) => all.filter((name) => name.startsWith('qrouter'))), [])

    // Without a router the DHCP port serves metadata.
    const isolated = stateWith([anyEgress], 4)
    state = { ...isolated, routers: [], dhcp: isolated.dhcp.map((each) => ({ ...each, servesMetadata: true })) }
    await rpcFanout(bus, agentContracts.l2).look({})
    await waitFor(async () => up.has(guest), { what: 'port up again', timeoutMs: 15_000 })
    await run(['ip', '-n', 'guest', 'route', 'add', '169.254.169.254', 'via', '10.1.0.2'])
    const answer = async () => (await run([process.execPath, '-e', program], { netns: 'guest' })).stdout
    await waitFor(
      () =>
        answer().then(
          (text) => text.includes('server-1'),
          () => false,
        ),
      { what: 'metadata', timeoutMs: 15_000 },
    )

    // Other hosts have ports in the network.
    state = {
      ...state,
      revision: 5,
      networks: state.networks.map((each) => ({
        ...each,
        peers: ['127.0.0.2'],
        forwarding: [{ mac: 'fa:16:3e:00:00:77', peer: '127.0.0.2' }],
      })),
    }
    await rpcFanout(bus, agentContracts.l2).look({})
    const tunnel = async () => (await listLinks()).find(({ name }) => name === 'vxlan-7')
    await waitFor(async () => (await tunnel())?.master !== undefined, { what: 'tunnel', timeoutMs: 15_000 })
    await waitFor(async () => (await listFdb('vxlan-7')).length === 2, {
      what: 'forwarding entries',
      timeoutMs: 15_000,
    })

    // A new agent takes over what the old one left, and interrupts nobody.
    const links = await listLinks()
    await agent.stop()
    up.clear()
    agent = startAgain()
    await agent.start()
    await waitFor(async () => up.size === 2, { what: 'ports of the old agent', timeoutMs: 15_000 })
    await waitFor(
      () =>
        answer().then(
          (text) => text.includes('server-1'),
          () => false,
        ),
      { what: 'metadata again', timeoutMs: 15_000 },
    )
    assert.deepEqual(
      (await listLinks()).map(({ index }) => index),
      links.map(({ index }) => index),
    )
    assert.deepEqual(errors, [])
  } finally {
    if (errors.length > 0) console.log(errors)
    await agent.stop()
    metadata.close()
    metadata.closeAllConnections()
    await run(['ip', 'netns', 'delete', 'guest']).catch(() => undefined)
    await run(['ip', 'link', 'delete', tap]).catch(() => undefined)
    await destroyNetworking({ stateDir, log })
  }
  assert.deepEqual(await listNetns(), [])
  assert.deepEqual(await listTables(), [])
  assert.deepEqual((await listLinks()).map(({ name }) => name).sort(), before)
  assert.equal(await findDnsmasq(dnsmasqFolder(stateDir, `dhcp-${network}`)), undefined)
  await rm(stateDir, { recursive: true })
}
