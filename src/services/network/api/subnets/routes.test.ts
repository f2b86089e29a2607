import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createTestNetwork, type Item, type TestNetwork } from '../../testing/service.ts'

let net: TestNetwork
before(async () => {
  net = await createTestNetwork()
})
after(() => net.close())

const network = (who = 'member@one', more: object = {}) => net.make(who, 'POST', '/networks', { network: more })
const subnet = (network_id: string, more: object, who = 'member@one') =>
  net.make(who, 'POST', '/subnets', { subnet: { network_id, ip_version: 4, ...more } })
const refuse = (status: number, network_id: string, more: object, who = 'member@one') =>
  net.refused(status, who, 'POST', '/subnets', { subnet: { network_id, ip_version: 4, ...more } })

test('a subnet gets its gateway and pools, and the network its DHCP port', async () => {
  const { id } = await network()
  const made = await subnet(id, { cidr: '10.1.0.7/24' })
  assert.equal(made['cidr'], '10.1.0.0/24')
  assert.equal(made['gateway_ip'], '10.1.0.1')
  assert.deepEqual(made['allocation_pools'], [{ start: '10.1.0.2', end: '10.1.0.254' }])
  const { body } = await net.send('admin@ops', 'GET', `/v2.0/ports?network_id=${id}&device_owner=network:dhcp`)
  assert.equal(body['ports']!.length, 1)
  assert.deepEqual((await net.make('member@one', 'GET', `/networks/${id}`))['availability_zones'], ['nova'])
})

test('wrong subnets are refused in neutron’s words', async () => {
  const { id } = await network()
  const messageOf = async (more: object) => (await refuse(400, id, more)).message
  assert.match(await messageOf({ cidr: 'x' }), /Invalid input for cidr\. Reason: 'x' is not a valid IP subnet/)
  assert.match(await messageOf({ cidr: 'fd00::/64' }), /does not match the ip_version '4'/)
  assert.match(await messageOf({}), /a subnetpool must be specified in the absence of a cidr/)
  assert.match(await messageOf({ cidr: '10.0.0.0/24', prefixlen: 24 }), /must not be supplied together/)
  assert.match(await messageOf({ cidr: '10.0.0.0/31' }), /incompatible with DHCP service enabled/)
  assert.match(await messageOf({ cidr: '224.0.0.0/24' }), /Multicast IP subnet/)
  assert.match(await messageOf({ cidr: '127.0.0.0/24' }), /Loopback IP subnet/)
  assert.match(await messageOf({ cidr: '10.0.0.0/24', gateway_ip: '10.0.0.255' }), /Gateway is not valid on subnet/)
  assert.match(await messageOf({ cidr: '10.0.0.0/24', dns_nameservers: ['nope'] }), /not a valid nameserver/)
  assert.match(await messageOf({ cidr: '10.0.0.0/24', ipv6_ra_mode: 'slaac' }), /not valid when ip_version is 4/)
  assert.match(
    await messageOf({ cidr: 'fd00::/80', ip_version: 6, ipv6_address_mode: 'slaac' }),
    /requires the prefix to be \/64/,
  )
  const pools = [{ start: '10.0.0.1', end: '10.0.0.9' }]
  const clash = await refuse(409, id, { cidr: '10.0.0.0/24', allocation_pools: pools })
  assert.equal(clash.type, 'GatewayConflictWithAllocationPools')
  await subnet(id, { cidr: '10.0.0.0/24' })
  assert.match(await messageOf({ cidr: '10.0.0.128/25' }), /overlaps with another subnet/)
  const service = await refuse(403, id, { cidr: '10.5.0.0/24', service_types: ['compute:nova'] })
  assert.match(service.message, /create_subnet:service_types/)
  const missing = await net.refused(400, 'member@one', 'POST', '/subnets', { subnet: { cidr: '10.9.0.0/24' } })
  assert.equal(missing.message, "Failed to parse request. Required attribute 'network_id' not specified")
})

test('only a network’s owner makes subnets in it', async () => {
  const { id } = await network('admin@ops', { shared: true })
  const refusal = await refuse(403, id, { cidr: '10.0.0.0/24' })
  assert.equal(refusal.type, 'PolicyNotAuthorized')
  assert.equal((await refuse(404, (await network('member@two')).id, { cidr: '10.0.0.0/24' })).type, 'NetworkNotFound')
  const made = await subnet(id, { cidr: '10.0.0.0/24' }, 'admin@ops')
  assert.equal((await net.make('reader@one', 'GET', `/subnets/${made.id}`))['cidr'], '10.0.0.0/24')
})

test('ports get addresses of subnets that serve their kind', async () => {
  const { id } = await network('admin@ops')
  await subnet(id, { cidr: '10.0.1.0/24', service_types: ['compute:nova'] }, 'admin@ops')
  const none = await net.refused(409, 'admin@ops', 'POST', '/ports', { port: { network_id: id } })
  assert.equal(none.type, 'IpAddressGenerationFailureNoMatchingSubnet')
  await subnet(id, { cidr: '10.0.2.0/24', service_types: ['network:router_gateway'] }, 'admin@ops')
  const port = await net.make('admin@ops', 'POST', '/ports', { port: { network_id: id, device_owner: 'compute:nova' } })
  assert.match((port['fixed_ips'] as { ip_address: string }[])[0]!.ip_address, /^10\.0\.1\./)
  const wrong = await refuse(400, id, { cidr: '10.0.3.0/24', service_types: ['coffee'] }, 'admin@ops')
  assert.equal(wrong.type, 'InvalidSubnetServiceType')
})

test('a new SLAAC subnet gives addresses to the ports that are there; it goes while they have them', async () => {
  const { id } = await network()
  await subnet(id, { cidr: '10.0.0.0/24' })
  const port = await net.make('member@one', 'POST', '/ports', { port: { network_id: id } })
  const six = await subnet(id, {
    ip_version: 6,
    cidr: 'fd00:1::/64',
    ipv6_ra_mode: 'slaac',
    ipv6_address_mode: 'slaac',
  })
  const addresses = (await net.make('member@one', 'GET', `/ports/${port.id}`))['fixed_ips'] as { ip_address: string }[]
  assert.equal(addresses.length, 2)
  assert.ok(addresses.some((each) => each.ip_address.startsWith('fd00:1::f816:3eff:fe')))
  await net.make('member@one', 'DELETE', `/subnets/${six.id}`)
  const left = (await net.make('member@one', 'GET', `/ports/${port.id}`))['fixed_ips'] as object[]
  assert.equal(left.length, 1)
})

test('the gateway stays while a router answers there; a subnet stays while ports use it', async () => {
  const { id } = await network()
  const made = await subnet(id, { cidr: '10.0.0.0/24' })
  const router = await net.make('member@one', 'POST', '/routers', { router: {} })
  await net.make('member@one', 'PUT', `/routers/${router.id}/add_router_interface`, { subnet_id: made.id })
  const change = { subnet: { gateway_ip: '10.0.0.2', allocation_pools: [{ start: '10.0.0.9', end: '10.0.0.99' }] } }
  assert.equal((await net.refused(409, 'member@one', 'PUT', `/subnets/${made.id}`, change)).type, 'GatewayIpInUse')
  assert.equal((await net.refused(409, 'member@one', 'DELETE', `/subnets/${made.id}`)).type, 'SubnetInUse')
  await net.make('member@one', 'PUT', `/routers/${router.id}/remove_router_interface`, { subnet_id: made.id })
  const changed = await net.make('member@one', 'PUT', `/subnets/${made.id}`, change)
  assert.equal(changed['gateway_ip'], '10.0.0.2')
  await net.make('member@one', 'DELETE', `/subnets/${made.id}`)
})

test('a subnet pool gives out prefixes, by length or by name, until none is left', async () => {
  const who = 'member@pool'
  const pool = await net.make(who, 'POST', '/subnetpools', {
    subnetpool: { name: 'p', prefixes: ['10.10.0.0/24', '10.10.1.0/24'], default_prefixlen: 25, min_prefixlen: '24' },
  })
  assert.deepEqual(pool['prefixes'], ['10.10.0.0/23'])
  const create = async (more: object) => subnet((await network(who)).id, { subnetpool_id: pool.id, ...more }, who)
  assert.equal((await create({}))['cidr'], '10.10.0.0/25')
  assert.equal((await create({ prefixlen: 24 }))['cidr'], '10.10.1.0/24')
  assert.equal((await create({ cidr: '10.10.0.128/26' }))['cidr'], '10.10.0.128/26')
  const other = (await network(who)).id
  assert.equal((await refuse(409, other, { subnetpool_id: pool.id }, who)).type, 'SubnetAllocationError')
  const small = await refuse(400, other, { subnetpool_id: pool.id, prefixlen: 20 }, who)
  assert.equal(small.type, 'MinPrefixSubnetAllocationError')
  assert.equal((await net.refused(400, who, 'DELETE', `/subnetpools/${pool.id}`)).type, 'SubnetPoolDeleteError')
  const shrunk = await net.refused(400, who, 'PUT', `/subnetpools/${pool.id}`, {
    subnetpool: { prefixes: ['10.10.0.0/24'] },
  })
  assert.equal(shrunk.type, 'IllegalSubnetPoolPrefixUpdate')
  const grown = await net.send(who, 'PUT', `/v2.0/subnetpools/${pool.id}/add_prefixes`, { prefixes: ['10.20.0.0/24'] })
  assert.deepEqual(grown.body, { prefixes: ['10.10.0.0/23', '10.20.0.0/24'] })
  const held = await net.refused(400, who, 'PUT', `/subnetpools/${pool.id}/remove_prefixes`, {
    prefixes: ['10.10.1.0/24'],
  })
  assert.equal(held.type, 'IllegalSubnetPoolPrefixUpdate')
  assert.equal((await net.send('member@two', 'GET', `/v2.0/subnetpools/${pool.id}`)).status, 404)
  const foreign = await refuse(404, (await network('member@two')).id, { subnetpool_id: pool.id }, 'member@two')
  assert.equal(foreign.type, 'SubnetPoolNotFound')
})

test('pools: quota of addresses, defaults, shared ones, one pool in a network', async () => {
  const shared: Item = await net.make('admin@ops', 'POST', '/subnetpools', {
    subnetpool: {
      name: 's',
      prefixes: ['10.30.0.0/16'],
      shared: true,
      is_default: true,
      default_quota: 256,
      min_prefixlen: 24,
    },
  })
  const refusal = await net.refused(403, 'member@one', 'POST', '/subnetpools', {
    subnetpool: { name: 'x', prefixes: ['10.40.0.0/16'], is_default: true },
  })
  assert.match(refusal.message, /create_subnetpool:is_default/)
  const { id } = await network()
  const made = await subnet(id, { use_default_subnetpool: true, prefixlen: 25 })
  assert.equal(made['subnetpool_id'], shared.id)
  assert.equal((await refuse(400, id, { cidr: '10.50.0.0/24' })).type, 'NetworkSubnetPoolAffinityError')
  const over = await refuse(409, (await network()).id, { subnetpool_id: shared.id, prefixlen: 24 })
  assert.equal(over.type, 'SubnetPoolQuotaExceeded')
  assert.match(
    (await refuse(400, id, { ip_version: 6, use_default_subnetpool: true })).message,
    /No default subnetpool/,
  )
})

test('address scopes keep prefixes apart and show at networks', async () => {
  const who = 'member@scopes'
  const scope = await net.make(who, 'POST', '/address-scopes', { address_scope: { name: 's', ip_version: 4 } })
  const create = (prefix: string) => ({
    subnetpool: { name: 'p', prefixes: [prefix], address_scope_id: scope.id, min_prefixlen: 16 },
  })
  const pool = await net.make(who, 'POST', '/subnetpools', create('10.60.0.0/16'))
  assert.equal(
    (await net.refused(409, who, 'POST', '/subnetpools', create('10.60.1.0/24'))).type,
    'AddressScopePrefixConflict',
  )
  const wrong = await net.refused(400, who, 'POST', '/subnetpools', create('fd00::/56'))
  assert.match(wrong.type, /IllegalSubnetPool/)
  const { id } = await network(who)
  await subnet(id, { subnetpool_id: pool.id, prefixlen: 24 }, who)
  assert.equal((await net.make(who, 'GET', `/networks/${id}`))['ipv4_address_scope'], scope.id)
  const affinity = await refuse(400, id, { cidr: '10.99.0.0/24' }, who)
  assert.equal(affinity.type, 'NetworkAddressScopeAffinityError')
  assert.equal((await net.refused(409, who, 'DELETE', `/address-scopes/${scope.id}`)).type, 'AddressScopeInUse')
  assert.equal((await net.send('member@two', 'GET', `/v2.0/address-scopes/${scope.id}`)).status, 404)
})

test('administrators see how full networks are', async () => {
  const { id } = await network('member@full', { name: 'full' })
  await subnet(id, { cidr: '10.0.0.0/29', enable_dhcp: false }, 'member@full')
  await net.make('member@full', 'POST', '/ports', { port: { network_id: id } })
  const seen = await net.make('admin@ops', 'GET', `/network-ip-availabilities/${id}`)
  assert.deepEqual([seen['total_ips'], seen['used_ips'], seen['network_name']], [5, 1, 'full'])
  assert.equal((seen['subnet_ip_availability'] as object[]).length, 1)
  assert.deepEqual((await net.send('member@full', 'GET', '/v2.0/network-ip-availabilities')).body, {
    network_ip_availabilities: [],
  })
  assert.equal((await net.send('member@full', 'GET', `/v2.0/network-ip-availabilities/${id}`)).status, 404)
})
