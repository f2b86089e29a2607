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

const otherLines = ['x\ndhcp-script=/bin/sh', 'x\rconf-file=/etc/shadow', 'x\u0000y', '\u2028next', 'é'.repeat(600)]
const hostile = [...otherLines.slice(0, 4), 'a,tag:b,3,10.9.9.9', '"quoted', 'back\\slash', 'x # comment']

const withOption = (name: string, value: string, ipVersion = 4) =>
  dhcpOptions({ ...dhcp, hosts: [{ ...host, extraOptions: [{ name, value, ipVersion }] }] })

test('E3: an extra option that could end its line is left out, and told', () => {
  for (const text of otherLines) {
    for (const { options, problems } of [withOption('bootfile-name', text), withOption(text, 'x')]) {
      assert.doesNotMatch(renderOptions(options), /dhcp-script|conf-file|next|é|tag:port/, JSON.stringify(text))
      assert.deepEqual(
        problems.map(({ portId }) => portId),
        ['p1'],
        JSON.stringify(text),
      )
    }
  }
})

test('an extra option is passed on as it is, behind the tag of its port', () => {
  const lineOf = (...words: [string, string, number?]) => {
    const { options, problems } = withOption(...words)
    assert.deepEqual(problems, [])
    return renderOptions(options).trimEnd().split('\n').at(-1)
  }
  assert.equal(lineOf('domain-name', '"test.domain"'), 'tag:port-p1,option:domain-name,"test.domain"')
  assert.equal(lineOf('mtu_option', 'a # b'), 'tag:port-p1,option:mtu_option,a # b')
  assert.equal(lineOf('67', 'a,tag:b,3,10.9.9.9'), 'tag:port-p1,67,a,tag:b,3,10.9.9.9')
  assert.equal(lineOf('tag:ipxe,bootfile-name', 'x'), 'tag:port-p1,tag:ipxe,option:bootfile-name,x')
  assert.equal(lineOf('router', ''), 'tag:port-p1,option:router')
  assert.equal(lineOf('dns-server', 'fd00::1,fd00::2', 6), 'tag:port-p1,option6:dns-server,[fd00::1],[fd00::2]')
})

test('a route to everywhere is the gateway where there is none; other subnets are on the link', () => {
  const other = { ...subnet, id: 'other', cidr: '10.2.0.0/24' }
  const bare = { ...subnet, gatewayIp: null, hostRoutes: [{ destination: '0.0.0.0/0', nexthop: '10.1.0.9' }] }
  const { options } = dhcpOptions({ ...dhcp, addresses: ['10.2.0.2/24', '10.1.0.2/24'], subnets: [bare, other] })
  const lines = renderOptions(options)
  assert.match(lines, /^tag:subnet-s4,option:router,10\.1\.0\.9$/m)
  assert.match(
    lines,
    /^tag:subnet-s4,option:classless-static-route,10\.2\.0\.0\/24,0\.0\.0\.0,169\.254\.169\.254\/32,10\.1\.0\.9,0\.0\.0\.0\/0,10\.1\.0\.9$/m,
  )
  assert.match(lines, /^tag:subnet-s4,option:dns-server,10\.1\.0\.2$/m)
  const silent = dhcpOptions({ ...dhcp, subnets: [{ ...subnet, dnsNameservers: ['0.0.0.0'] }] })
  assert.match(renderOptions(silent.options), /^tag:subnet-s4,option:dns-server$/m)
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
    /classless-static-route,(.*)/.exec(
      renderOptions(dhcpOptions({ ...dhcp, servesMetadata: true, subnets: [{ ...subnet, isRouted }] }).options),
    )?.[1]
  assert.equal(routesOf(true), '169.254.169.254/32,10.1.0.1,0.0.0.0/0,10.1.0.1')
  assert.equal(routesOf(false), '169.254.169.254/32,10.1.0.2,0.0.0.0/0,10.1.0.1')
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
