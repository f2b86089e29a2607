import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renderHosts, renderNames, renderOptions } from '../../../host/dnsmasq.ts'
import { UnsafeText } from '../../../host/safe-text.ts'
import type { HostDhcp } from '../rpc/host-state.ts'
import { dhcpHosts, dhcpOptions, dhcpRanges, dnsHosts } from './dhcp-options.ts'

const subnet: HostDhcp['subnets'][number] = {
  id: 's4',
  cidr: '10.1.0.0/24',
  ipVersion: 4,
  gatewayIp: '10.1.0.1',
  enableDhcp: true,
  dnsNameservers: [],
  hostRoutes: [],
  ipv6AddressMode: null,
  isRouted: true,
}
const host: HostDhcp['hosts'][number] = {
  portId: 'p1',
  mac: 'fa:16:3e:00:00:01',
  hostname: 'vm',
  addresses: [{ ip: '10.1.0.5', subnetId: 's4' }],
  extraOptions: [],
  deviceId: 'd',
  projectId: 'p',
}
const dhcp: HostDhcp = {
  networkId: 'n',
  port: { id: 'd', mac: 'fa:16:3e:00:00:02' },
  addresses: ['10.1.0.2/24'],
  mtu: 1450,
  dnsDomain: 'openstacklocal',
  servesMetadata: false,
  subnets: [subnet],
  hosts: [host],
}

const hostile = [
  'x\ndhcp-script=/bin/sh',
  'x\rconf-file=/etc/shadow',
  'x\u0000y',
  'a,tag:b,3,10.9.9.9',
  '"quoted',
  'back\\slash',
  'x # comment',
  '\u2028next',
]

test('E3: an extra option that could end its line or its field is left out, and told', () => {
  for (const value of hostile) {
    const extraOptions = [{ name: 'bootfile-name', value, ipVersion: 4 }]
    const { options, problems } = dhcpOptions({ ...dhcp, hosts: [{ ...host, extraOptions }] })
    const lines = renderOptions(options)
    assert.doesNotMatch(lines, /dhcp-script|conf-file|comment|quoted|slash|next/, JSON.stringify(value))
    // A comma makes several values of one option, which is what the API means by it: it stays in its line and tag.
    if (value.includes(',')) assert.match(lines, /^tag:port-p1,option:bootfile-name,a,tag:b,3,10\.9\.9\.9$/m)
    else
      assert.deepEqual(
        problems.map(({ portId }) => portId),
        ['p1'],
        JSON.stringify(value),
      )
  }
})

test('E3: the name of an option is a name or a number', () => {
  for (const name of ['router\n', 'a,b', 'option:router', '99999999', '-1', '', '__proto__']) {
    const extraOptions = [{ name, value: 'x', ipVersion: 4 }]
    const { problems } = dhcpOptions({ ...dhcp, hosts: [{ ...host, extraOptions }] })
    assert.equal(problems.length, 1, JSON.stringify(name))
  }
})

test('E3: host and domain names cannot bring lines of their own', () => {
  for (const hostname of [...hostile, 'a b', '../x', '-rf', 'a..b']) {
    const hosts = [{ ...host, hostname }]
    assert.throws(() => renderHosts(dhcpHosts({ ...dhcp, hosts })), UnsafeText, hostname)
    assert.throws(() => renderNames(dnsHosts({ ...dhcp, hosts })), UnsafeText, hostname)
  }
  assert.throws(() => renderNames(dnsHosts({ ...dhcp, dnsDomain: 'x\n10.0.0.1 keystone' })), UnsafeText)
})

test('each subnet says where its metadata are: at its router, else here', () => {
  const routesOf = (isRouted: boolean) =>
    dhcpOptions({ ...dhcp, servesMetadata: true, subnets: [{ ...subnet, isRouted }] }).options.find(
      ({ option }) => option === 'classless-static-route',
    )?.values
  assert.deepEqual(routesOf(true), ['169.254.169.254/32', '10.1.0.1', '0.0.0.0/0', '10.1.0.1'])
  assert.deepEqual(routesOf(false), ['169.254.169.254/32', '10.1.0.2', '0.0.0.0/0', '10.1.0.1'])
})

test('clients of DHCPv6 are told the domain to search, too', () => {
  const six = { ...subnet, cidr: 'fd00::/64', ipVersion: 6, ipv6AddressMode: 'dhcpv6-stateful' }
  const lines = renderOptions(dhcpOptions({ ...dhcp, subnets: [six] }).options)
  assert.equal(lines, 'tag:subnet-s4,option6:domain-search,openstacklocal\n')
})

test('which IPv6 subnets are served, and to whom', () => {
  const v6 = (id: string, ipv6AddressMode: string | null) => ({
    ...subnet,
    id,
    cidr: `fd00:${id}::/64`,
    ipVersion: 6,
    ipv6AddressMode,
  })
  const subnets = [v6('a', 'slaac'), v6('b', 'dhcpv6-stateless'), v6('c', 'dhcpv6-stateful'), v6('d', null)]
  const addresses = subnets.map(({ id }) => ({ ip: `fd00:${id}::5`, subnetId: id }))
  const network = { ...dhcp, subnets, hosts: [{ ...host, addresses }] }
  assert.deepEqual(
    dhcpRanges(network).map(({ tag }) => tag),
    ['subnet-b', 'subnet-c', 'subnet-d'],
  )
  assert.deepEqual(dhcpHosts(network)[0]?.addresses, ['fd00:c::5', 'fd00:d::5'])
})
