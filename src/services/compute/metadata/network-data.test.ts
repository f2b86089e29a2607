/** network_data.json in every form. Source: nova/tests/unit/virt/test_netutils.py, nova/virt/netutils.py. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MetadataAddress } from './document.ts'
import { networkData } from './network-data.ts'
import { sampleAddress as v4, samplePort as port } from './testing.ts'

const v6: MetadataAddress = { ...v4, cidr: 'fd00::/64', ip: 'fd00::5', gateway: 'fd00::1', dns: ['fd00::2'] }
const full = (ports: Parameters<typeof networkData>[0]) => {
  const { links, networks, services } = networkData(ports)
  assert.ok(links && networks && services)
  return { links, networks, services }
}
const dataOf = (...addresses: MetadataAddress[]) => {
  return full([{ ...port, addresses }])
}
const head = { id: 'network0', link: 'tapp', network_id: 'n' }

test('DHCP tells the rest, the size of packets too', () => {
  const { links, networks, services } = dataOf(v4)
  assert.deepEqual(links, [
    { id: 'tapp', vif_id: 'p', type: 'bridge', mtu: null, ethernet_mac_address: 'fa:16:3e:00:00:01' },
  ])
  assert.deepEqual(networks, [{ ...head, type: 'ipv4_dhcp' }])
  assert.deepEqual(services, [{ type: 'dns', address: '10.0.0.2' }])
})

test('a static address comes with its mask, routes and name servers', () => {
  const routes = [{ destination: '192.168.7.0/25', nexthop: '10.0.0.9' }]
  const { links, networks } = dataOf({ ...v4, isDhcp: false, routes })
  assert.equal(links[0]!.mtu, 1450)
  assert.deepEqual(networks, [
    {
      ...head,
      type: 'ipv4',
      ip_address: '10.0.0.5',
      netmask: '255.255.255.0',
      routes: [
        { network: '0.0.0.0', netmask: '0.0.0.0', gateway: '10.0.0.1' },
        { network: '192.168.7.0', netmask: '255.255.255.128', gateway: '10.0.0.9' },
      ],
      services: [{ type: 'dns', address: '10.0.0.2' }],
    },
  ])
  const [bare] = dataOf({ ...v4, isDhcp: false, gateway: null, dns: [] }).networks
  assert.deepEqual(bare, {
    ...head,
    type: 'ipv4',
    ip_address: '10.0.0.5',
    netmask: '255.255.255.0',
    routes: [],
    services: [],
  })
})

test('IPv6 is static, by DHCP, or as its subnet announces it', () => {
  const whole = {
    ...head,
    ip_address: 'fd00::5',
    netmask: 'ffff:ffff:ffff:ffff::',
    routes: [
      { network: '::', netmask: '::', gateway: 'fd00::1' },
      { network: 'fd01::', netmask: 'ffff:ffff:ffff::', gateway: 'fd00::9' },
    ],
    services: [{ type: 'dns', address: 'fd00::2' }],
  }
  const routes = [{ destination: 'fd01::/48', nexthop: 'fd00::9' }]
  assert.deepEqual(dataOf({ ...v6, routes, isDhcp: false }).networks, [{ ...whole, type: 'ipv6' }])
  assert.deepEqual(dataOf(v6).networks, [{ ...head, type: 'ipv6_dhcp' }])
  for (const mode of ['slaac', 'dhcpv6-stateless', 'dhcpv6-stateful']) {
    const { networks } = dataOf({ ...v6, routes, ipv6AddressMode: mode })
    assert.deepEqual(networks, [{ ...whole, type: `ipv6_${mode}` }])
  }
})

test('of several cards each has its networks, counted together; name servers are told once', () => {
  const second = { ...port, id: 'q', tap: 'tapq', mac: 'fa:16:3e:00:00:02', vifType: 'unbound', networkId: 'm' }
  const data = full([
    { ...port, addresses: [v4, v6, { ...v4, ip: '10.0.0.6' }] },
    { ...port, id: 'none', tap: 'tapnone', addresses: [] },
    { ...second, addresses: [{ ...v4, isDhcp: false }] },
  ])
  assert.deepEqual(
    data.links.map(({ id, type, mtu }) => [id, type, mtu]),
    [
      ['tapp', 'bridge', null],
      ['tapq', 'phy', 1450],
    ],
  )
  assert.deepEqual(
    data.networks.map(({ id, link, type, network_id }) => [id, link, type, network_id]),
    [
      ['network0', 'tapp', 'ipv4_dhcp', 'n'],
      ['network1', 'tapp', 'ipv6_dhcp', 'n'],
      ['network2', 'tapq', 'ipv4', 'm'],
    ],
  )
  assert.deepEqual(
    data.services.map(({ address }) => address),
    ['10.0.0.2', 'fd00::2'],
  )
})

test('without a card there is nothing to tell, without an address of one only that', () => {
  assert.deepEqual(networkData([]), {})
  assert.deepEqual(networkData([{ ...port, addresses: [] }]), { links: [], networks: [], services: [] })
})
