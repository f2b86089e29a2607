/** Values in the many ways that clients write them, attribute by attribute. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createTestNetwork, type Item, type TestNetwork } from '../testing/service.ts'

let net: TestNetwork
let network: Item
let subnet: Item
before(async () => {
  net = await createTestNetwork()
  network = await make('/networks', { network: {} })
  subnet = await make('/subnets', { subnet: { network_id: network.id, ip_version: '4', cidr: '10.70.0.0/24' } })
})
after(() => net.close())

const who = 'member@one'
const make = (path: string, body: object, caller = who): Promise<Item> => net.make(caller, 'POST', path, body)
const put = (path: string, body: object, caller = who): Promise<Item> => net.make(caller, 'PUT', path, body)
const refused = (status: number, method: string, path: string, body: object, caller = who) =>
  net.refused(status, caller, method, path, body)
const port = (more: object = {}) => make('/ports', { port: { network_id: network.id, ...more } })
const list = async (path: string, caller = who): Promise<string[]> => {
  const { body, status } = await net.send(caller, 'GET', `/v2.0${path}`)
  assert.equal(status, 200, JSON.stringify(body))
  return Object.values(body)[0]!.map(({ id }) => id)
}

test('null is an empty list', async () => {
  const inside = await make('/subnets', {
    subnet: { network_id: network.id, ip_version: 4, cidr: '10.71.0.0/24', dns_nameservers: null, host_routes: null },
  })
  assert.deepEqual([inside['dns_nameservers'], inside['host_routes']], [[], []])
  const made = await port({ allowed_address_pairs: null, extra_dhcp_opts: null, security_groups: null })
  assert.deepEqual([made['allowed_address_pairs'], made['extra_dhcp_opts'], made['security_groups']], [[], [], []])
  const group = await make('/address-groups', { address_group: { name: 'g', addresses: null } })
  assert.deepEqual(group['addresses'], [])
  const router = await make('/routers', { router: {} })
  assert.deepEqual((await put(`/routers/${router.id}`, { router: { routes: null } }))['routes'], [])
  assert.deepEqual((await put(`/routers/${router.id}/add_extraroutes`, { router: { routes: null } }))['routes'], [])
})

test('MACs have one form, in bodies and filters', async () => {
  const forms = ['fa-16-3e-00-12-01', 'FA:16:3E:00:12:02', 'fa16.3e00.1203', 'fa163e001204', 'fa163e-001205']
  for (const [index, mac_address] of forms.entries()) {
    const made = await port({ mac_address })
    assert.equal(made['mac_address'], `fa:16:3e:00:12:0${index + 1}`)
    assert.deepEqual(await list(`/ports?mac_address=${encodeURIComponent(mac_address)}`), [made.id])
    assert.deepEqual(await list(`/ports?mac_address=${encodeURIComponent(mac_address)}&limit=5`), [made.id])
  }
  for (const mac_address of ['fa:16:3e:00:12', 'fa:16:3e:00:12:0g', '00:00:00:00:00:00', 'ff:ff:ff:ff:ff:ff', ' '])
    assert.match(
      (await refused(400, 'POST', '/ports', { port: { network_id: network.id, mac_address } })).message,
      /mac_address/,
    )
  const pair = { ip_address: '10.70.0.200', mac_address: 'FA-16-3E-00-12-99' }
  const made = await port({ allowed_address_pairs: [pair] })
  assert.deepEqual(made['allowed_address_pairs'], [{ ...pair, mac_address: 'fa:16:3e:00:12:99' }])
  for (const wrong of [
    { ip_address: '224.0.0.5' },
    { ip_address: 'ff02::/16' },
    { ...pair, mac_address: '01:00:5e:00:00:01' },
  ])
    assert.match(
      (await refused(400, 'PUT', `/ports/${made.id}`, { port: { allowed_address_pairs: [wrong] } })).message,
      /multicast/,
    )
})

test('booleans are words in any case, in bodies and filters', async () => {
  for (const [value, expected] of [
    ['True', true],
    ['YES', true],
    ['on', true],
    ['t', true],
    [1, true],
    ['No', false],
    ['off', false],
    ['F', false],
    ['0', false],
  ] as const) {
    const { id } = await make('/networks', { network: { admin_state_up: value } })
    assert.equal((await net.make(who, 'GET', `/networks/${id}`))['admin_state_up'], expected, String(value))
    assert.deepEqual(await list(`/networks?id=${id}&admin_state_up=${value}`), [id])
    await net.make(who, 'DELETE', `/networks/${id}`)
  }
  for (const value of ['', 'maybe', 2, null])
    await refused(400, 'POST', '/networks', { network: { admin_state_up: value } })
})

test('IPv6 addresses and prefixes have their short form', async () => {
  const { id } = await make('/networks', { network: {} })
  const inside = await make('/subnets', {
    subnet: {
      network_id: id,
      ip_version: 6,
      cidr: '2001:DB8:0:70::/64',
      gateway_ip: '2001:DB8:0:70:0:0:0:FFFE',
      allocation_pools: [{ start: '2001:DB8:0:70::0010', end: '2001:DB8:0:70::00FF' }],
    },
  })
  assert.equal(inside['cidr'], '2001:db8:0:70::/64')
  assert.equal(inside['gateway_ip'], '2001:db8:0:70::fffe')
  assert.deepEqual(inside['allocation_pools'], [{ start: '2001:db8:0:70::10', end: '2001:db8:0:70::ff' }])
  assert.deepEqual(await list('/subnets?cidr=2001:DB8:0:70::/64'), [inside.id])
  assert.deepEqual(await list('/subnets?gateway_ip=2001:DB8:0:70:0:0:0:FFFE'), [inside.id])
  const made = await make('/ports', { port: { network_id: id, fixed_ips: [{ ip_address: '2001:DB8:0:70:0::ABCD' }] } })
  assert.deepEqual(await list(`/ports?network_id=${id}&fixed_ips=ip_address%3D2001:DB8:0:70::ABCD`), [made.id])
})

test('one security group rule is one, however it is written', async () => {
  const { id } = await make('/security-groups', { security_group: { name: 'rules' } })
  const rule = (more: object) => ({ security_group_rule: { security_group_id: id, direction: 'ingress', ...more } })
  const pairs: [object, object][] = [
    [
      { ethertype: 'ipv6', remote_ip_prefix: '2001:DB8::/32' },
      { ethertype: 'IPv6', remote_ip_prefix: '2001:db8:0::/32' },
    ],
    [
      { protocol: 'TCP', port_range_min: '22', port_range_max: 22 },
      { protocol: 6, port_range_min: 22, port_range_max: 22 },
    ],
    [{ protocol: 'icmp' }, { protocol: '1', remote_ip_prefix: '0.0.0.0/0' }],
    [{ remote_ip_prefix: '10.0.0.9' }, { remote_ip_prefix: '10.0.0.9/32' }],
  ]
  const shown: unknown[] = []
  for (const [first, second] of pairs) {
    const made = await make('/security-group-rules', rule(first))
    shown.push(made['remote_ip_prefix'])
    const again = await refused(409, 'POST', '/security-group-rules', rule(second))
    assert.equal(again.type, 'SecurityGroupRuleExists')
    assert.match(again.message, new RegExp(made.id))
  }
  assert.deepEqual(shown, ['2001:db8::/32', null, null, '10.0.0.9/32'])
  const wrong = await refused(400, 'POST', '/security-group-rules', rule({ remote_ip_prefix: '10.0.0.300' }))
  assert.equal(wrong.type, 'InvalidCIDR')
})

test('a DNS domain ends with a dot, names are in small letters', async () => {
  const wrong = await refused(400, 'POST', '/networks', { network: { dns_domain: 'example.org' } })
  assert.equal(wrong.message, "Invalid input for dns_domain. Reason: 'example.org' is not a FQDN.")
  const made = await make('/networks', { network: { dns_domain: 'Example.org.' } })
  assert.equal(made['dns_domain'], 'example.org.')
  assert.match(
    (await refused(400, 'PUT', `/networks/${made.id}`, { network: { dns_domain: 'a..b.' } })).message,
    /empty component/,
  )
})

test('a network under IPv6 carries 1280 bytes', async () => {
  const small = await make('/networks', { network: { mtu: 1200 } })
  const six = { ip_version: 6, cidr: 'fd00:71::/64' }
  const refusal = await refused(409, 'POST', '/subnets', { subnet: { network_id: small.id, ...six } })
  assert.equal(refusal.type, 'NetworkMTUSubnetConflict')
  await put(`/networks/${small.id}`, { network: { mtu: '1280' } })
  await make('/subnets', { subnet: { network_id: small.id, ...six } })
  await refused(409, 'PUT', `/networks/${small.id}`, { network: { mtu: 1279 } })
  assert.equal((await put(`/networks/${small.id}`, { network: { mtu: 0 } }))['mtu'], 1450)
})

test('a card that no host has is accepted, and cannot be bound', async () => {
  const made = await port({ 'binding:vnic_type': 'direct' })
  assert.equal(made['binding:vnic_type'], 'direct')
  const bound = await put(`/ports/${made.id}`, { port: { 'binding:host_id': 'h1' } }, 'service@service')
  assert.equal(bound['binding:vif_type'], 'binding_failed')
  const usual = await put(`/ports/${made.id}`, { port: { 'binding:vnic_type': 'normal' } }, 'service@service')
  assert.equal(usual['binding:vif_type'], 'bridge')
  await refused(400, 'POST', '/ports', { port: { network_id: network.id, 'binding:vnic_type': 'odd' } })
})

test('DHCP options are lines: any name, quotes, and nothing for `router`', async () => {
  const options = [
    { opt_name: 'domain-name', opt_value: '"test.domain"' },
    { opt_name: 'my_option', opt_value: 'a # b' },
    { opt_name: 'tag:ipxe,bootfile-name', opt_value: 'x', ip_version: '4' },
    { opt_name: 'router', opt_value: '' },
  ]
  const made = await port({ extra_dhcp_opts: options })
  assert.deepEqual(
    made['extra_dhcp_opts'],
    options.map((each) => ({ ...each, ip_version: 4 })),
  )
  for (const wrong of [
    { opt_name: 'a\nb', opt_value: 'x' },
    { opt_name: 'a', opt_value: 'x\ny' },
    { opt_name: ' ', opt_value: 'x' },
    { opt_name: 'mtu', opt_value: '' },
  ])
    await refused(400, 'PUT', `/ports/${made.id}`, { port: { extra_dhcp_opts: [wrong] } })
})

test('routes and name servers: one each, networks without host bits', async () => {
  const change = (subnet_: object) => refused(400, 'PUT', `/subnets/${subnet.id}`, { subnet: subnet_ })
  const route = { destination: '10.80.0.0/24', nexthop: '10.70.0.9' }
  assert.match((await change({ host_routes: [route, route] })).message, /Duplicate hostroute/)
  assert.match((await change({ host_routes: [{ ...route, destination: '10.80.0.1/24' }] })).message, /not a valid CIDR/)
  assert.match((await change({ dns_nameservers: ['10.0.0.1', '10.0.0.1'] })).message, /Duplicate nameserver/)
})

test('attributes that are only shown are not unknown', async () => {
  const message = async (method: string, path: string, body: object) => (await refused(400, method, path, body)).message
  assert.equal(
    await message('PUT', `/networks/${network.id}`, { network: { status: 'DOWN' } }),
    'Cannot update read-only attribute status',
  )
  assert.equal(
    await message('PUT', `/subnets/${subnet.id}`, { subnet: { cidr: '10.99.0.0/24' } }),
    'Cannot update read-only attribute cidr',
  )
  assert.equal(
    await message('POST', '/networks', { network: { subnets: [] } }),
    "Attribute 'subnets' not allowed in POST",
  )
  assert.equal(
    await message('POST', '/networks', { networks: [{ id: network.id }] }),
    "Attribute 'id' not allowed in POST",
  )
  assert.equal(
    await message('PUT', `/networks/${network.id}`, { network: { status: 'DOWN', odd: 1, even: 2 } }),
    "Unrecognized attribute(s) 'odd, even'",
  )
})

test('every path may end with .json', async () => {
  assert.ok((await list('/networks.json')).includes(network.id))
  assert.deepEqual(await list(`/networks.json?id=${network.id}`), [network.id])
  assert.equal((await put(`/networks/${network.id}.json`, { network: { name: 'renamed' } }))['name'], 'renamed')
  assert.equal((await net.send(who, 'GET', '/v2.0/nothing.json')).status, 404)
})

test('the whole set of quotas may be written, with those of what is not built', async () => {
  const quotas = await net.make('admin@ops', 'PUT', '/quotas/set', { quota: { network: 3, rbac_policy: 7 } })
  assert.deepEqual([quotas['network'], quotas['rbac_policy']], [3, 7])
  const details = await net.make('admin@ops', 'GET', '/quotas/set/details.json')
  assert.deepEqual(details['rbac_policy'], { limit: 7, used: 0, reserved: 0 })
})
