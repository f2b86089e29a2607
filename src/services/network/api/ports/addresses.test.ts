/** Which addresses ports are given, and which they keep. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createTestNetwork, type Item, type TestNetwork } from '../../testing/service.ts'

let net: TestNetwork
before(async () => {
  net = await createTestNetwork('[DEFAULT]\ndns_domain = cloud.example.\n')
})
after(() => net.close())

const who = 'member@one'
const network = (more: object = {}): Promise<Item> => net.make(who, 'POST', '/networks', { network: more })
const subnet = (networkId: string, cidr: string, more: object = {}): Promise<Item> =>
  net.make(who, 'POST', '/subnets', {
    subnet: { network_id: networkId, ip_version: cidr.includes(':') ? 6 : 4, cidr, ...more },
  })
const slaac = { ipv6_ra_mode: 'slaac', ipv6_address_mode: 'slaac' }
const port = (networkId: string, more: object = {}): Promise<Item> =>
  net.make(who, 'POST', '/ports', { port: { network_id: networkId, ...more } })
const refused = (status: number, networkId: string, more: object) =>
  net.refused(status, who, 'POST', '/ports', { port: { network_id: networkId, ...more } })
type FixedIps = { ip_address: string; subnet_id: string }[]
const ipsOf = (item: Item) => (item['fixed_ips'] as FixedIps).map(({ ip_address: ip }) => ip)
const at = (...ips: string[]) => ({ fixed_ips: ips.map((ip_address) => ({ ip_address })) })

test('network and broadcast addresses are nobody’s, with and without the subnet’s name', async () => {
  const { id } = await network()
  const { id: small } = await subnet(id, '10.9.7.0/28')
  const { id: six } = await subnet(id, '2001:db8:7::/64')
  for (const ip of ['10.9.7.0', '10.9.7.15']) {
    assert.equal((await refused(400, id, at(ip))).type, 'InvalidIpForNetwork')
    const named = await refused(400, id, { fixed_ips: [{ ip_address: ip, subnet_id: small }] })
    assert.equal(named.type, 'InvalidIpForSubnet')
    assert.match(named.message, new RegExp(`IP address ${ip} is not a valid IP for the specified subnet`))
  }
  const first = { device_owner: 'compute:nova', fixed_ips: [{ ip_address: '2001:db8:7::', subnet_id: six }] }
  assert.equal((await refused(400, id, first)).type, 'InvalidIpForSubnet')
  const made = await port(id, at('2001:DB8:7:0::F', '10.9.7.14'))
  assert.deepEqual(ipsOf(made), ['10.9.7.14', '2001:db8:7::f'], 'in the order of their texts')
})

test('a taken address, one of a subnet elsewhere, one where there is none', async () => {
  const { id } = await network()
  const { id: own } = await subnet(id, '10.9.8.0/28')
  await port(id, at('10.9.8.5'))
  const taken = await refused(409, id, at('10.9.8.5'))
  assert.equal(taken.type, 'IpAddressAlreadyAllocated')
  assert.equal(taken.message, `IP address 10.9.8.5 already allocated in subnet ${own}`)
  const { id: bare } = await network()
  assert.match((await refused(400, bare, at('10.9.8.6'))).message, /IP allocation requires subnets for network/)
  await subnet(bare, '10.9.9.0/28')
  const elsewhere = await refused(400, bare, { fixed_ips: [{ subnet_id: own }] })
  assert.match(elsewhere.message, /fixed_ips included invalid subnet/)
})

test('SLAAC addresses come with every port and cannot be chosen', async () => {
  const { id } = await network()
  const { id: four } = await subnet(id, '10.9.10.0/28')
  const { id: six } = await subnet(id, 'fd00:10::/64', slaac)
  const made = await port(id, { mac_address: 'fa:16:3e:00:00:10', fixed_ips: [{ subnet_id: four }] })
  assert.deepEqual(ipsOf(made).slice(1), ['fd00:10::f816:3eff:fe00:10'])
  const chosen = await refused(400, id, { fixed_ips: [{ subnet_id: six, ip_address: 'fd00:10::5' }] })
  assert.equal(chosen.type, 'AllocationOnAutoAddressSubnet')
  const moved = await net.make(who, 'PUT', `/ports/${made.id}`, { port: at('10.9.10.9') })
  assert.deepEqual(ipsOf(moved).toSorted(), ['10.9.10.9', 'fd00:10::f816:3eff:fe00:10'])
})

test('a change keeps the addresses that it asks for again', async () => {
  const { id } = await network()
  const { id: inside } = await subnet(id, '10.9.11.0/24')
  const made = await port(id)
  const more = await net.make(who, 'PUT', `/ports/${made.id}`, {
    port: { fixed_ips: [{ subnet_id: inside }, { ip_address: '10.9.11.99' }] },
  })
  assert.deepEqual(ipsOf(more).toSorted(), [...ipsOf(made), '10.9.11.99'].toSorted())
})

test('a network’s DHCP takes any number of subnets, and its addresses never move', async () => {
  const { id } = await network()
  const addresses = async () => {
    const { body } = await net.send('admin@ops', 'GET', `/v2.0/ports?network_id=${id}&device_owner=network:dhcp`)
    return ipsOf(body['ports']![0]!)
  }
  let before_: string[] = []
  for (let index = 1; index <= 8; index++) {
    await subnet(id, `10.51.${index}.0/24`)
    const now = await addresses()
    assert.equal(now.length, index)
    assert.deepEqual(now.filter((ip) => before_.includes(ip)).toSorted(), before_.toSorted())
    before_ = now
  }
  const { body } = await net.send(who, 'GET', `/v2.0/subnets?network_id=${id}&cidr=10.51.4.0/24`)
  await net.make(who, 'PUT', `/subnets/${body['subnets']![0]!.id}`, { subnet: { enable_dhcp: false } })
  assert.deepEqual(
    await addresses(),
    before_.filter((ip) => !ip.startsWith('10.51.4.')),
  )
})

test('guests search the cloud’s domain, whatever their network is called', async () => {
  const { id } = await network({ dns_domain: 'starwars.' })
  await subnet(id, '10.9.12.0/24')
  const made = await port(id, { dns_name: 'luke' })
  assert.equal((made['dns_assignment'] as { fqdn: string }[])[0]?.fqdn, 'luke.cloud.example.')
  const { dhcp } = await net.hostState('h1')
  assert.equal(dhcp.find(({ networkId }) => networkId === id)?.dnsDomain, 'cloud.example.')
})
