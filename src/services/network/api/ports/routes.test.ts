import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createTestNetwork, type Item, type TestNetwork } from '../../testing/service.ts'

let net: TestNetwork
let network: Item
let subnet: Item
before(async () => {
  net = await createTestNetwork('', ['h1', 'h2'])
  network = await net.make('member@one', 'POST', '/networks', { network: { name: 'n' } })
  subnet = await net.make('member@one', 'POST', '/subnets', {
    subnet: { network_id: network.id, ip_version: 4, cidr: '10.0.0.0/22' },
  })
})
after(() => net.close())

const create = (port: object, who = 'member@one') =>
  net.make(who, 'POST', '/ports', { port: { network_id: network.id, ...port } })
const refuse = (status: number, port: object, who = 'member@one') =>
  net.refused(status, who, 'POST', '/ports', { port: { network_id: network.id, ...port } })
const change = (id: string, port: object, who = 'member@one') => net.make(who, 'PUT', `/ports/${id}`, { port })
const refuseChange = (status: number, id: string, port: object, who = 'member@one') =>
  net.refused(status, who, 'PUT', `/ports/${id}`, { port })
const ipOf = (port: Item) => (port['fixed_ips'] as { ip_address: string }[])[0]?.ip_address

test('a port has an address, the default group and a DNS name, and hides its binding from users', async () => {
  const port = await create({ name: 'p', dns_name: 'Web' })
  assert.match(ipOf(port)!, /^10\.0\.\d+\.\d+$/)
  assert.equal((port['security_groups'] as string[]).length, 1)
  assert.deepEqual(port['dns_assignment'], [{ ip_address: ipOf(port), hostname: 'web', fqdn: 'web.openstacklocal.' }])
  assert.equal('binding:host_id' in port, false)
  assert.equal(port['binding:vnic_type'], 'normal')
  const seen = await net.make('admin@ops', 'GET', `/ports/${port.id}`)
  assert.deepEqual([seen['binding:host_id'], seen['binding:vif_type']], ['', 'unbound'])
})

test('a hundred ports are made at once, tagged, with addresses of their own', async () => {
  const ports = Array.from({ length: 100 }, (_, index) => ({
    network_id: network.id,
    name: `bulk${index}`,
    tags: ['bulk'],
    project_id: 'many',
  }))
  const { status, body } = await net.send('admin@ops', 'POST', '/v2.0/ports', { ports })
  assert.equal(status, 201)
  assert.equal(new Set((body['ports'] as Item[]).map(ipOf)).size, 100)
  const listed = await net.send('member@one', 'GET', '/v2.0/ports?tags=bulk&fields=id')
  assert.equal(listed.body['ports']!.length, 100)
})

test('addresses: asked for, in use, outside, too many; MACs in use', async () => {
  const port = await create({ fixed_ips: [{ ip_address: '10.0.3.77' }], mac_address: 'fa:16:3e:00:00:01' })
  assert.equal(ipOf(port), '10.0.3.77')
  assert.equal((await refuse(409, { fixed_ips: [{ ip_address: '10.0.3.77' }] })).type, 'IpAddressAlreadyAllocated')
  assert.equal((await refuse(400, { fixed_ips: [{ ip_address: '10.9.0.1' }] })).type, 'InvalidIpForNetwork')
  const wrong = await refuse(400, { fixed_ips: [{ ip_address: '10.9.0.1', subnet_id: subnet.id }] })
  assert.equal(wrong.type, 'InvalidIpForSubnet')
  const many = Array.from({ length: 51 }, () => ({ subnet_id: subnet.id }))
  assert.match((await refuse(400, { fixed_ips: many })).message, /Exceeded maximum amount of fixed ips per port/)
  assert.equal((await refuse(409, { mac_address: 'FA:16:3E:00:00:01' })).type, 'MacAddressInUse')
  assert.deepEqual((await change(port.id, { fixed_ips: [] }))['fixed_ips'], [])
  const without = await net.make('member@one', 'GET', `/ports/${port.id}`)
  assert.deepEqual(without['fixed_ips'], [])
})

test('ports are found by address, by a part of it, by group', async () => {
  const port = await create({ fixed_ips: [{ ip_address: '10.0.2.234' }] })
  const find = async (query: string) =>
    ((await net.send('member@one', 'GET', `/v2.0/ports?${query}`)).body['ports'] as Item[]).map(({ id }) => id)
  assert.deepEqual(await find('fixed_ips=ip_address%3D10.0.2.234'), [port.id])
  assert.deepEqual(await find('fixed_ips=ip_address_substr%3D2.234'), [port.id])
  assert.deepEqual(await find(`fixed_ips=ip_address%3D10.0.2.234&fixed_ips=subnet_id%3Dnone`), [])
  const group = await net.make('member@one', 'POST', '/security-groups', { security_group: { name: 'g' } })
  await change(port.id, { security_groups: [group.id] })
  assert.deepEqual(await find(`security_groups=${group.id}`), [port.id])
})

test('port security, its groups and its address pairs go together', async () => {
  const port = await create({ allowed_address_pairs: [{ ip_address: '10.0.0.99' }] })
  assert.deepEqual(port['allowed_address_pairs'], [{ mac_address: port['mac_address'], ip_address: '10.0.0.99' }])
  const groups = await refuseChange(409, port.id, { port_security_enabled: false })
  assert.equal(groups.type, 'PortSecurityPortHasSecurityGroup')
  const pairs = await refuseChange(409, port.id, { port_security_enabled: false, security_groups: [] })
  assert.equal(pairs.type, 'AddressPairAndPortSecurityRequired')
  const open = await change(port.id, { port_security_enabled: false, security_groups: [], allowed_address_pairs: [] })
  assert.deepEqual([open['port_security_enabled'], open['security_groups']], [false, []])
  const back = await change(port.id, { port_security_enabled: true })
  assert.deepEqual(back['security_groups'], [])
  const closed = await refuse(400, { port_security_enabled: false, security_groups: port['security_groups'] })
  assert.equal(closed.type, 'PortSecurityAndIPRequiredForSecurityGroups')
  const double = [{ ip_address: '10.0.0.9' }, { ip_address: '10.0.0.9' }]
  assert.equal((await refuse(400, { allowed_address_pairs: double })).type, 'DuplicateAddressPairInRequest')
  assert.match((await refuse(400, { allowed_address_pairs: [{ ip_address: 'x' }] })).message, /not a valid IP address/)
})

test('extra DHCP options are added, changed and taken away one by one', async () => {
  const port = await create({ extra_dhcp_opts: [{ opt_name: 'bootfile-name', opt_value: 'a' }] })
  assert.deepEqual(port['extra_dhcp_opts'], [{ opt_name: 'bootfile-name', opt_value: 'a', ip_version: 4 }])
  const options = [
    { opt_name: 'bootfile-name', opt_value: null },
    { opt_name: 'tftp-server', opt_value: 'b', ip_version: '4' },
  ]
  assert.deepEqual((await change(port.id, { extra_dhcp_opts: options }))['extra_dhcp_opts'], [
    { opt_name: 'tftp-server', opt_value: 'b', ip_version: 4 },
  ])
  assert.equal(
    (
      await net.send('member@one', 'PUT', `/v2.0/ports/${port.id}`, {
        port: { extra_dhcp_opts: [{ opt_name: 'x\ny', opt_value: 'z' }] },
      })
    ).status,
    400,
  )
})

test('what belongs to others is out of reach: networks, groups, routers, ports', async () => {
  const theirs = await net.make('member@two', 'POST', '/networks', { network: {} })
  assert.equal((await refuse(404, { network_id: theirs.id })).type, 'NetworkNotFound')
  const group = await net.make('member@two', 'POST', '/security-groups', { security_group: { name: 'g' } })
  assert.equal((await refuse(404, { security_groups: [group.id] })).type, 'SecurityGroupNotFound')
  const router = await net.make('member@two', 'POST', '/routers', { router: {} })
  const captured = { device_owner: 'network:router_interface', device_id: router.id }
  assert.equal((await refuse(409, captured)).type, 'DeviceIDNotOwnedByTenant')
  const port = await create({ device_owner: 'network:router_interface' })
  assert.equal((await refuseChange(409, port.id, { device_id: router.id })).type, 'DeviceIDNotOwnedByTenant')
  for (const method of ['GET', 'PUT', 'DELETE'])
    assert.equal(
      (await net.send('member@two', method, `/v2.0/ports/${port.id}`, method === 'PUT' ? { port: {} } : undefined))
        .status,
      404,
    )
})

test('in a shared network members may not choose MAC, address or a network device', async () => {
  const shared = await net.make('admin@ops', 'POST', '/networks', { network: { shared: true } })
  const inside = await net.make('admin@ops', 'POST', '/subnets', {
    subnet: { network_id: shared.id, ip_version: 4, cidr: '10.7.0.0/24' },
  })
  const refusal = async (port: object) => (await refuse(403, { network_id: shared.id, ...port })).message
  assert.match(await refusal({ mac_address: 'fa:16:3e:00:00:09' }), /create_port:mac_address/)
  assert.match(await refusal({ device_owner: 'network:dhcp' }), /create_port:device_owner/)
  assert.match(await refusal({ fixed_ips: [{ ip_address: '10.7.0.9' }] }), /create_port:fixed_ips:ip_address/)
  assert.match(await refusal({ port_security_enabled: false }), /create_port:port_security_enabled/)
  assert.match(
    await refusal({ allowed_address_pairs: [{ ip_address: '0.0.0.0/0' }] }),
    /create_port:allowed_address_pairs/,
  )
  assert.match(await refusal({ 'binding:host_id': 'h1' }), /create_port:binding:host_id/)
  const port = await create({ network_id: shared.id, fixed_ips: [{ subnet_id: inside.id }], device_owner: 'compute:x' })
  assert.match(ipOf(port)!, /^10\.7\.0\./)
  assert.match((await refuseChange(403, port.id, { mac_address: null })).message, /update_port:mac_address/)
})

test('a MAC is made anew, unless the port is bound', async () => {
  const port = await create({})
  const renewed = await change(port.id, { mac_address: null }, 'admin@ops')
  assert.notEqual(renewed['mac_address'], port['mac_address'])
  await change(port.id, { 'binding:host_id': 'h1' }, 'admin@ops')
  assert.equal((await refuseChange(409, port.id, { mac_address: null }, 'admin@ops')).type, 'PortBound')
  const profile = await refuseChange(403, port.id, { 'binding:profile': { a: 1 } }, 'admin@ops')
  assert.match(profile.message, /update_port:binding:profile/)
})

test('a port that no host can take says so and is taken when an agent comes', async () => {
  const port = await create({ 'binding:host_id': 'nowhere' }, 'admin@ops')
  assert.equal(port['binding:vif_type'], 'binding_failed')
  const bound = await change(port.id, { 'binding:host_id': 'h2' }, 'admin@ops')
  assert.equal(bound['binding:vif_type'], 'bridge')
})

test('a server’s port has bindings on several hosts, one of them active', async () => {
  const port = await create({ 'binding:host_id': 'h1', device_owner: 'compute:nova', device_id: 's' }, 'admin@ops')
  const path = `/v2.0/ports/${port.id}/bindings`
  const send = (method: string, rest = '', json?: unknown, who = 'service@service') =>
    net.send(who, method, `${path}${rest}`, json)
  assert.equal((await send('POST', '', { binding: { host: 'h2' } }, 'admin@ops')).status, 403)
  assert.equal((await send('POST', '', { binding: { host: 'h2' } }, 'member@one')).status, 403)
  const made = await send('POST', '', { binding: { host: 'h2', profile: { a: 1 } } })
  assert.deepEqual(made.body['binding'], {
    host: 'h2',
    vif_type: 'bridge',
    vif_details: { port_filter: true, connectivity: 'l2' },
    vnic_type: 'normal',
    profile: { a: 1 },
    status: 'INACTIVE',
  })
  const again = await net.refused(409, 'service@service', 'POST', `/ports/${port.id}/bindings`, {
    binding: { host: 'h2' },
  })
  assert.equal(again.type, 'PortBindingAlreadyExists')
  const failed = await net.refused(500, 'service@service', 'POST', `/ports/${port.id}/bindings`, {
    binding: { host: 'h9' },
  })
  assert.equal(failed.type, 'PortBindingError')
  const states = async () =>
    Object.fromEntries(
      ((await send('GET')).body['bindings'] as unknown as { host: string; status: string }[]).map((each) => [
        each.host,
        each.status,
      ]),
    )
  assert.deepEqual(await states(), { h1: 'ACTIVE', h2: 'INACTIVE' })
  assert.equal((await send('PUT', '/h2/activate')).status, 200)
  assert.deepEqual(await states(), { h1: 'INACTIVE', h2: 'ACTIVE' })
  assert.equal((await net.make('admin@ops', 'GET', `/ports/${port.id}`))['binding:host_id'], 'h2')
  assert.equal(
    (await net.refused(409, 'service@service', 'PUT', `/ports/${port.id}/bindings/h2/activate`)).type,
    'PortBindingAlreadyActive',
  )
  assert.equal((await send('DELETE', '/h1')).status, 204)
  assert.equal(
    (await net.refused(404, 'service@service', 'GET', `/ports/${port.id}/bindings/h1`)).type,
    'PortBindingNotFound',
  )
  const plain = await create({})
  assert.equal((await net.send('service@service', 'GET', `/v2.0/ports/${plain.id}/bindings`)).status, 400)
})
