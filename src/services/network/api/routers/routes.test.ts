import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { waitFor } from '../../../../base/wait.ts'
import { createTestNetwork, type Item, type TestNetwork } from '../../testing/service.ts'

let net: TestNetwork
let external: Item
before(async () => {
  net = await createTestNetwork()
  external = await net.make('admin@ops', 'POST', '/networks', {
    network: { name: 'public', 'router:external': true, is_default: true },
  })
  await net.make('admin@ops', 'POST', '/subnets', {
    subnet: { network_id: external.id, ip_version: 4, cidr: '198.51.100.0/24', enable_dhcp: false },
  })
})
after(() => net.close())

let nets = 0
async function inside(who = 'member@one'): Promise<{ network: Item; subnet: Item }> {
  const network = await net.make(who, 'POST', '/networks', { network: {} })
  const subnet = await net.make(who, 'POST', '/subnets', {
    subnet: { network_id: network.id, ip_version: 4, cidr: `10.${++nets}.0.0/24` },
  })
  return { network, subnet }
}
const router = (more: object = {}, who = 'member@one') => net.make(who, 'POST', '/routers', { router: more })
const connect = (id: string, body: object, who = 'member@one') =>
  net.make(who, 'PUT', `/routers/${id}/add_router_interface`, body)

test('a router leads to an external network; details of it are the administrator’s', async () => {
  const made = await router({ external_gateway_info: { network_id: external.id } })
  const info = made['external_gateway_info'] as { enable_snat: boolean; external_fixed_ips: { ip_address: string }[] }
  assert.equal(info.enable_snat, true)
  assert.match(info.external_fixed_ips[0]!.ip_address, /^198\.51\.100\./)
  for (const more of [{ enable_snat: false }, { external_fixed_ips: [{ ip_address: '198.51.100.9' }] }]) {
    const refusal = await net.refused(403, 'member@one', 'PUT', `/routers/${made.id}`, {
      router: { external_gateway_info: { network_id: external.id, ...more } },
    })
    assert.match(refusal.message, /update_router:external_gateway_info:/)
  }
  const changed = await net.make('admin@ops', 'PUT', `/routers/${made.id}`, {
    router: {
      external_gateway_info: {
        network_id: external.id,
        enable_snat: false,
        external_fixed_ips: [{ ip_address: '198.51.100.99' }],
      },
    },
  })
  const after = changed['external_gateway_info'] as typeof info
  assert.deepEqual([after.enable_snat, after.external_fixed_ips[0]!.ip_address], [false, '198.51.100.99'])
  const { network } = await inside()
  const wrong = await net.refused(400, 'member@one', 'POST', '/routers', {
    router: { external_gateway_info: { network_id: network.id } },
  })
  assert.match(wrong.message, /is not an external network/)
  await net.make('member@one', 'DELETE', `/routers/${made.id}`)
})

test('interfaces: by subnet and by port, none twice, none that overlap', async () => {
  const { id } = await router()
  const { network, subnet } = await inside()
  const answer = await net.send('member@one', 'PUT', `/v2.0/routers/${id}/add_router_interface`, {
    subnet_id: subnet.id,
  })
  const body = answer.body as unknown as { subnet_ids: string[]; port_id: string; network_id: string; id: string }
  assert.deepEqual([body.id, body.subnet_ids, body.network_id], [id, [subnet.id], network.id])
  const refused = (json: object) => net.refused(400, 'member@one', 'PUT', `/routers/${id}/add_router_interface`, json)
  assert.match((await refused({ subnet_id: subnet.id })).message, /already has a port on subnet/)
  assert.match((await refused({})).message, /Either subnet_id or port_id must be specified/)
  const twin = await net.make('member@one', 'POST', '/networks', { network: {} })
  const same = await net.make('member@one', 'POST', '/subnets', {
    subnet: { network_id: twin.id, ip_version: 4, cidr: subnet['cidr'] },
  })
  assert.match((await refused({ subnet_id: same.id })).message, /overlaps with cidr/)
  const other = await inside()
  const port = await net.make('member@one', 'POST', '/ports', { port: { network_id: other.network.id } })
  await connect(id, { port_id: port.id })
  const seen = await net.make('member@one', 'GET', `/ports/${port.id}`)
  assert.deepEqual([seen['device_owner'], seen['security_groups']], ['network:router_interface', []])
  assert.equal((await net.refused(409, 'member@one', 'DELETE', `/ports/${port.id}`)).type, 'ServicePortInUse')
  assert.equal((await net.refused(409, 'member@one', 'DELETE', `/routers/${id}`)).type, 'RouterInUse')
  await net.make('member@one', 'PUT', `/routers/${id}/remove_router_interface`, { port_id: port.id })
  const gone = await net.refused(404, 'member@one', 'PUT', `/routers/${id}/remove_router_interface`, {
    subnet_id: other.subnet.id,
  })
  assert.equal(gone.type, 'RouterInterfaceNotFoundForSubnet')
})

test('subnets and ports of others cannot be connected', async () => {
  const { id } = await router()
  const { network, subnet } = await inside('member@two')
  const port = await net.make('member@two', 'POST', '/ports', { port: { network_id: network.id } })
  const refused = (json: object) => net.refused(404, 'member@one', 'PUT', `/routers/${id}/add_router_interface`, json)
  assert.equal((await refused({ subnet_id: subnet.id })).type, 'SubnetNotFound')
  assert.equal((await refused({ port_id: port.id })).type, 'PortNotFound')
  const foreign = await net.refused(404, 'member@two', 'PUT', `/routers/${id}/add_router_interface`, {
    subnet_id: subnet.id,
  })
  assert.equal(foreign.type, 'RouterNotFound')
})

test('extra routes lead to where the router is; they hold their interface', async () => {
  const { id } = await router()
  const { subnet } = await inside()
  await connect(id, { subnet_id: subnet.id })
  const hop = String(subnet['cidr']).replace('0/24', '9')
  const put = (routes: object[]) => net.refused(400, 'member@one', 'PUT', `/routers/${id}`, { router: { routes } })
  const stray = await put([{ destination: '192.0.2.0/24', nexthop: '203.0.113.1' }])
  assert.deepEqual(
    [stray.type, /the nexthop is not connected with router/.test(stray.message)],
    ['InvalidRoutes', true],
  )
  const route = { destination: '192.0.2.0/24', nexthop: hop }
  assert.deepEqual((await net.make('member@one', 'PUT', `/routers/${id}`, { router: { routes: [route] } }))['routes'], [
    route,
  ])
  const second = { destination: '203.0.113.0/24', nexthop: hop }
  const added = await net.make('member@one', 'PUT', `/routers/${id}/add_extraroutes`, { router: { routes: [second] } })
  assert.deepEqual(added['routes'], [route, second])
  const left = await net.make('member@one', 'PUT', `/routers/${id}/remove_extraroutes`, { router: { routes: [route] } })
  assert.deepEqual(left['routes'], [second])
  const held = await net.refused(409, 'member@one', 'PUT', `/routers/${id}/remove_router_interface`, {
    subnet_id: subnet.id,
  })
  assert.equal(held.type, 'RouterInterfaceInUseByRoute')
})

test('a floating IP leads to a port behind a router, tells of it, and holds what it needs', async () => {
  const { id } = await router({ external_gateway_info: { network_id: external.id } })
  const { network, subnet } = await inside()
  const port = await net.make('member@one', 'POST', '/ports', { port: { network_id: network.id, name: 'target' } })
  const create = (more: object = {}) =>
    net.make('member@one', 'POST', '/floatingips', { floatingip: { floating_network_id: external.id, ...more } })
  const refused = (status: number, more: object) =>
    net.refused(status, 'member@one', 'POST', '/floatingips', {
      floatingip: { floating_network_id: external.id, ...more },
    })
  assert.equal((await refused(404, { port_id: port.id })).type, 'ExternalGatewayForFloatingIPNotFound')
  await connect(id, { subnet_id: subnet.id })
  const made = await create({ port_id: port.id, description: 'd' })
  assert.deepEqual(
    [made['status'], made['router_id'], (made['port_details'] as Item)['name']],
    ['DOWN', id, 'target'],
    'until the router’s host has it',
  )
  const isActive = async () => {
    const { body } = await net.send('member@one', 'GET', '/v2.0/floatingips?status=ACTIVE')
    return body['floatingips']!.some((each) => each.id === made.id)
  }
  await waitFor(isActive, { what: 'floating IP', timeoutMs: 10_000 })
  assert.equal((await refused(409, { port_id: port.id })).type, 'FloatingIPPortAlreadyAssociated')
  assert.match((await refused(403, { floating_ip_address: '198.51.100.200' })).message, /floating_ip_address/)
  assert.match((await refused(400, { fixed_ip_address: '10.0.0.1' })).message, /without a port_id/)
  assert.match((await refused(400, { floating_network_id: network.id })).message, /not a valid external network/)
  const interfaceHeld = await net.refused(409, 'member@one', 'PUT', `/routers/${id}/remove_router_interface`, {
    subnet_id: subnet.id,
  })
  assert.equal(interfaceHeld.type, 'RouterInterfaceInUseByFloatingIP')
  const gatewayHeld = await net.refused(409, 'member@one', 'PUT', `/routers/${id}`, {
    router: { external_gateway_info: null },
  })
  assert.equal(gatewayHeld.type, 'RouterExternalGatewayInUseByFloatingIp')
  const kept = await net.make('member@one', 'PUT', `/floatingips/${made.id}`, { floatingip: { description: 'e' } })
  assert.deepEqual([kept['port_id'], kept['status']], [port.id, 'ACTIVE'])
  const again = await net.make('member@one', 'PUT', `/floatingips/${made.id}`, { floatingip: { port_id: port.id } })
  assert.equal(again['status'], 'ACTIVE', 'it leads where it did')
  const free = await net.make('member@one', 'PUT', `/floatingips/${made.id}`, { floatingip: { port_id: null } })
  assert.deepEqual([free['port_id'], free['status'], free['port_details']], [null, 'DOWN', null])
  assert.equal((await net.send('member@two', 'GET', `/v2.0/floatingips/${made.id}`)).status, 404)
  const pools = (await net.send('member@one', 'GET', '/v2.0/floatingip-pools')).body['floatingip_pools'] as Item[]
  assert.equal(pools[0]!['network_id'], external.id)
  await net.make('member@one', 'DELETE', `/floatingips/${made.id}`)
})

test('an automatic topology is made once, and gone as a whole', async () => {
  const path = '/auto-allocated-topology/None'
  const missing = await net.refused(409, 'member@auto', 'GET', `${path}?fields=dry-run`)
  assert.deepEqual(
    [missing.type, missing.message],
    ['AutoAllocationFailure', 'Deployment error: No default subnetpools defined.'],
  )
  await net.make('admin@ops', 'POST', '/subnetpools', {
    subnetpool: { name: 'd', prefixes: ['10.200.0.0/16'], shared: true, is_default: true, default_prefixlen: 26 },
  })
  assert.equal((await net.make('member@auto', 'GET', `${path}?fields=dry-run`)).id, 'dry-run=pass')
  const made = await net.make('member@auto', 'GET', path)
  assert.equal((await net.make('member@auto', 'GET', path)).id, made.id)
  const network = await net.make('member@auto', 'GET', `/networks/${made.id}`)
  assert.deepEqual([network['name'], (network['subnets'] as string[]).length], ['auto_allocated_network', 1])
  const routers = (await net.send('member@auto', 'GET', '/v2.0/routers')).body['routers'] as Item[]
  assert.equal((routers[0]!['external_gateway_info'] as Item)['network_id'], external.id)
  assert.equal((await net.send('member@one', 'GET', '/v2.0/auto-allocated-topology/auto')).status, 403)
  await net.make('member@auto', 'DELETE', path)
  assert.equal((await net.send('member@auto', 'GET', `/v2.0/networks/${made.id}`)).status, 404)
  assert.deepEqual((await net.send('member@auto', 'GET', '/v2.0/routers')).body['routers'], [])
})
