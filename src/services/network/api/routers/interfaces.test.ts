/** Interfaces with several prefixes, and what routers do in networks that are not theirs. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createTestNetwork, type Item, type TestNetwork } from '../../testing/service.ts'

let net: TestNetwork
before(async () => {
  net = await createTestNetwork()
})
after(() => net.close())

const member = 'member@one'
const slaac = { ipv6_ra_mode: 'slaac', ipv6_address_mode: 'slaac' }
const network = (who = member, more: object = {}): Promise<Item> =>
  net.make(who, 'POST', '/networks', { network: more })
const subnet = (who: string, networkId: string, cidr: string, more: object = {}): Promise<Item> =>
  net.make(who, 'POST', '/subnets', {
    subnet: { network_id: networkId, ip_version: cidr.includes(':') ? 6 : 4, cidr, ...more },
  })
const router = (who = member): Promise<Item> => net.make(who, 'POST', '/routers', { router: {} })
interface Interface {
  port_id: string
  subnet_id: string
  subnet_ids: string[]
}
async function act(who: string, action: 'add' | 'remove', id: string, body: object): Promise<Interface> {
  const answer = await net.send(who, 'PUT', `/v2.0/routers/${id}/${action}_router_interface`, body)
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  return answer.body as unknown as Interface
}
const ipsOf = async (id: string) =>
  ((await net.make('admin@ops', 'GET', `/ports/${id}`))['fixed_ips'] as { ip_address: string }[]).map(
    ({ ip_address: ip }) => ip,
  )
const stateOf = async (id: string) => (await net.hostState('h1')).routers.find((each) => each.id === id)

test('all IPv6 subnets of a network are of one interface, which goes with the last', async () => {
  const { id: networkId } = await network()
  const four = await subnet(member, networkId, '10.60.0.0/24')
  const first = await subnet(member, networkId, 'fd00:1::/64', slaac)
  const second = await subnet(member, networkId, 'fd00:2::/64', slaac)
  const { id } = await router()
  const ports = []
  for (const each of [four, first, second]) ports.push(await act(member, 'add', id, { subnet_id: each.id }))
  assert.notEqual(ports[0]!.port_id, ports[1]!.port_id)
  assert.deepEqual([ports[1]!.port_id, ports[2]!.subnet_ids], [ports[2]!.port_id, [second.id]])
  const port = ports[1]!.port_id
  assert.deepEqual((await ipsOf(port)).toSorted(), ['fd00:1::1', 'fd00:2::1'])
  const shown = (await stateOf(id))!.interfaces.find(({ portId }) => portId === port)
  assert.deepEqual(shown?.ipv6RaSubnets.map(({ cidr }) => cidr).toSorted(), ['fd00:1::/64', 'fd00:2::/64'])

  const another = await net.make(member, 'POST', '/ports', {
    port: { network_id: networkId, fixed_ips: [{ subnet_id: four.id }] },
  })
  const refusal = await net.refused(400, member, 'PUT', `/routers/${id}/add_router_interface`, { port_id: another.id })
  assert.match(refusal.message, /already has a port on subnet|Only one IPv6 port/)

  assert.deepEqual((await act(member, 'remove', id, { subnet_id: first.id })).subnet_ids, [first.id])
  assert.deepEqual(await ipsOf(port), ['fd00:2::1'])
  assert.equal((await act(member, 'remove', id, { subnet_id: second.id })).port_id, port)
  await net.refused(404, 'admin@ops', 'GET', `/ports/${port}`)
})

test('a subnet with a router of its own outside is not for a router of the cloud', async () => {
  const { id: networkId } = await network()
  const { id: subnetId } = await subnet(member, networkId, 'fd00:3::/64', { ipv6_address_mode: 'slaac' })
  const { id } = await router()
  const refusal = await net.refused(400, member, 'PUT', `/routers/${id}/add_router_interface`, { subnet_id: subnetId })
  assert.match(refusal.message, /configured to receive RAs from an external router/)
})

test('an interface keeps its IPv4 address', async () => {
  const { id: networkId } = await network()
  const { id: subnetId } = await subnet(member, networkId, '10.61.0.0/24')
  const { id } = await router()
  const { port_id: port } = await act(member, 'add', id, { subnet_id: subnetId })
  const refusal = await net.refused(400, member, 'PUT', `/ports/${port}`, {
    port: { fixed_ips: [{ subnet_id: subnetId, ip_address: '10.61.0.9' }] },
  })
  assert.equal(refusal.type, 'IPAddressChangeNotAllowed')
  assert.deepEqual(await ipsOf(port), ['10.61.0.1'])
})

test('E6: a guest’s router on a shared network advertises nothing and takes no metadata away', async () => {
  const owner = 'admin@ops'
  const { id: networkId } = await network(owner, { shared: true })
  const six = await subnet(owner, networkId, 'fd00:60::/64', slaac)
  const four = await subnet(owner, networkId, '10.62.0.0/24')
  const { id } = await router()
  const port = await net.make(member, 'POST', '/ports', { port: { network_id: networkId } })
  await act(member, 'add', id, { port_id: port.id })
  const state = await net.hostState('h1')
  assert.deepEqual(
    state.routers.find((each) => each.id === id)?.interfaces.map(({ ipv6RaSubnets }) => ipv6RaSubnets),
    [[]],
  )
  assert.equal(state.dhcp.find((each) => each.networkId === networkId)?.servesMetadata, true)
  await net.refused(400, member, 'PUT', `/routers/${(await router()).id}/add_router_interface`, { subnet_id: six.id })

  const own = await router(owner)
  await act(owner, 'add', own.id, { subnet_id: six.id })
  await act(owner, 'add', own.id, { subnet_id: four.id })
  const after_ = await net.hostState('h1')
  const faces = after_.routers.find((each) => each.id === own.id)?.interfaces.flatMap((each) => each.ipv6RaSubnets)
  assert.deepEqual(
    faces?.map(({ cidr }) => cidr),
    ['fd00:60::/64'],
  )
  const dhcp = after_.dhcp.find((each) => each.networkId === networkId)
  assert.deepEqual(
    dhcp?.subnets.map(({ isRouted }) => isRouted),
    [true, true],
  )
  assert.equal(dhcp?.servesMetadata, false)
})
