import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HostPort, HostState } from '../rpc/host-state.ts'
import { renderFilters, tableNames } from './filters.ts'

const options = { cloudName: 'my cloud', bridgeMappings: new Map([['provider', 'br-ex']]) }
const port: HostPort = {
  id: 'p1',
  networkId: 'aaaaaaaa-aaaa',
  mac: 'fa:16:3e:00:00:01',
  deviceOwner: 'compute:nova',
  deviceId: 's1',
  tap: 'tap1',
  adminStateUp: true,
  portSecurityEnabled: true,
  allowedAddressPairs: [],
  securityGroupIds: ['g1'],
  fixedIps: [{ ip: '10.0.0.5', subnetId: 's', prefixLength: 24 }],
}
type Rule = HostState['securityGroups'][number]['rules'][number]
const rule = (more: Partial<Rule>): Rule => ({
  id: 'r',
  direction: 'ingress',
  ethertype: 'IPv4',
  protocol: 'tcp',
  portRangeMin: 22,
  portRangeMax: 22,
  remoteCidr: null,
  remoteGroupId: null,
  ...more,
})
const stateOf = (ports: HostPort[], rules: Rule[]): HostState => ({
  revision: 1,
  ports,
  dhcp: [],
  routers: [],
  networks: [
    {
      id: 'aaaaaaaa-aaaa',
      type: 'vxlan',
      physicalNetwork: null,
      segmentationId: 1,
      mtu: 1450,
      adminStateUp: true,
      peers: [],
      forwarding: [],
    },
  ],
  securityGroups: [{ id: 'g1', isStateful: true, rules, memberAddresses: ['10.0.0.5', 'fd00::5'] }],
})

test('E1: a port may speak with its own and its allowed addresses only', () => {
  const pair = { mac: 'fa:16:3e:00:00:09', cidr: '10.9.0.0/16' }
  const { text } = renderFilters(stateOf([{ ...port, allowedAddressPairs: [pair] }], []), options)
  assert.match(text, /ether saddr != \{ fa:16:3e:00:00:01, fa:16:3e:00:00:09 \} drop/)
  assert.match(text, /ether saddr fa:16:3e:00:00:01 ip saddr 10\.0\.0\.5 return/)
  assert.match(text, /ether saddr fa:16:3e:00:00:09 ip saddr 10\.9\.0\.0\/16 return/)
  assert.match(text, /ip6 saddr fe80::f816:3eff:fe00:1 return/)
})

test('rules become matches; remote groups become sets', () => {
  const rules = [
    rule({ remoteCidr: '192.0.2.0/24' }),
    rule({ protocol: 'icmp', portRangeMin: 8, portRangeMax: 0 }),
    rule({
      direction: 'egress',
      protocol: null,
      portRangeMin: null,
      portRangeMax: null,
      ethertype: 'IPv6',
      remoteGroupId: 'g1',
    }),
  ]
  const { text, problems } = renderFilters(stateOf([port], rules), options)
  assert.match(text, /meta protocol ip ip saddr 192\.0\.2\.0\/24 tcp dport 22 accept/)
  assert.match(text, /icmp type 8 icmp code 0 accept/)
  assert.match(text, /meta protocol ip6 ip6 daddr @members6-g1 goto arriving/)
  assert.deepEqual(problems, [])
})

test('E2: a rule that cannot be rendered stays closed and is told', () => {
  const rules = [
    rule({ id: 'bad', protocol: 'x; accept' }),
    rule({ id: 'wide', remoteCidr: 'fd00::/8' }),
    rule({ id: 'gone', remoteGroupId: 'g9' }),
  ]
  const { text, problems } = renderFilters(stateOf([port], rules), options)
  assert.doesNotMatch(text, /tcp dport 22|x;/)
  assert.deepEqual(
    problems.map(({ what }) => what.split(' ').at(-1)),
    ['bad', 'wide', 'gone'],
  )
})

test('ports without port security and ports of the network are not filtered', () => {
  const { text } = renderFilters(
    stateOf(
      [
        { ...port, portSecurityEnabled: false },
        { ...port, deviceOwner: 'network:dhcp' },
      ],
      [],
    ),
    options,
  )
  assert.doesNotMatch(text, /"tap1"/)
})

test('tables are named after the cloud', () => {
  assert.deepEqual(tableNames('my cloud'), ['bridge nephos-my_cloud-ports', 'inet nephos-my_cloud-groups'])
})

test('E7: what comes from a tenant’s bridge goes back into it and nowhere else, filtered or not', () => {
  const { text } = renderFilters(stateOf([], []), options)
  const bridge = '"brqaaaaaaaa-aa"'
  const from = `iifname { ${bridge} }`
  assert.ok(text.includes(`${from} iifname . oifname != { ${bridge} . ${bridge} } drop`))
  assert.ok(text.includes(`chain input {\n    ${from} drop`))
})
