/** A router with several interfaces in one network: one for IPv4, one for IPv6. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { waitFor } from '../../../base/wait.ts'
import { run } from '../../../host/command.ts'
import { showSysctl } from '../../../host/netns.ts'
import { networkPrograms } from '../../../host/packages.ts'
import { becomeHost, hostNamespaces, inNamespaces, reasonToSkip } from '../../../host/testing.ts'
import type { HostRouter } from '../rpc/host-state.ts'
import { routerNamespace } from './names.ts'
import { guestPort, Lab, pings, securityRule, testId } from './testing.ts'

const networkId = testId('net')
const guest = guestPort('guest', 11, networkId, ['10.1.0.11'], { securityGroupIds: ['all'] })
const face = (name: string, number: number, address: string) => ({
  portId: testId(name),
  mac: `fa:16:3e:00:03:0${number}`,
  networkId,
  mtu: 1400,
  addresses: [address],
  ipv6RaSubnets: [],
})
const ipv4 = face('four', 4, '10.1.0.1/24')
const ipv6 = face('six', 6, 'fd00:1::1/64')
const router: HostRouter = {
  id: testId('router'),
  projectId: 'project',
  adminStateUp: true,
  gateway: null,
  // The one without an IPv4 address first: what looks at the first only would be wrong.
  interfaces: [ipv6, ipv4],
  floatingIps: [],
  routes: [],
  metadataClients: [{ networkId, ip: '10.1.0.11', deviceId: 'server-guest', projectId: 'project' }],
}

inNamespaces(import.meta.filename, { skip: await reasonToSkip(networkPrograms), unshare: hostNamespaces }, () => {
  let lab: Lab
  before(async () => {
    await becomeHost()
    lab = await Lab.start({
      revision: 1,
      networks: [
        {
          id: networkId,
          type: 'local',
          physicalNetwork: null,
          segmentationId: null,
          mtu: 1400,
          adminStateUp: true,
          peers: [],
          forwarding: [],
        },
      ],
      ports: [guest],
      securityGroups: [{ id: 'all', isStateful: true, memberAddresses: [], rules: [securityRule('egress')] }],
      dhcp: [],
      routers: [router],
    })
    await lab.plug('guest', guest, ['10.1.0.11/24'])
    await run(['ip', '-n', 'guest', 'route', 'add', 'default', 'via', '10.1.0.1'])
    await waitFor(() => pings('guest', '10.1.0.1'), { what: 'the router', timeoutMs: 20_000 })
  })
  after(() => lab.stop())

  const metadata = async () => {
    const program = `fetch('http://169.254.169.254/', { signal: AbortSignal.timeout(5000) }).then((r) => r.text()).then((t) => process.stdout.write(t))`
    return (await run([process.execPath, '-e', program], { netns: 'guest' })).stdout
  }

  test('only the interface that has an address answers for it', async () => {
    for (let round = 0; round < 5; round++) {
      await run(['ip', '-n', 'guest', 'neigh', 'flush', 'dev', 'eth0'])
      assert.equal(await pings('guest', '10.1.0.1'), true)
      const { stdout } = await run(['ip', '-n', 'guest', 'neigh', 'show', '10.1.0.1'])
      assert.match(stdout, new RegExp(ipv4.mac))
    }
    const netns = routerNamespace(router.id)
    assert.equal(await showSysctl('net/ipv4/conf/all/arp_announce', { netns }), '2')
    assert.equal(await showSysctl('net/netfilter/nf_conntrack_tcp_be_liberal', { netns }), '1')
  })

  test('metadata answer, also to who sends to the interface without an IPv4 address', async () => {
    await waitFor(
      () =>
        metadata().then(
          (text) => text.includes('server-guest'),
          () => false,
        ),
      {
        what: 'metadata',
        timeoutMs: 15_000,
      },
    )
    const neighbour = ['ip', '-n', 'guest', 'neigh', 'replace', '10.1.0.1', 'dev', 'eth0', 'nud', 'permanent', 'lladdr']
    await run([...neighbour, ipv6.mac])
    assert.match(await metadata(), /server-guest/)
  })

  test('nothing of all this was an error', () => assert.deepEqual(lab.errors, []))
})
