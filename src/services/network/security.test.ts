/** Rules of the security checklist that are network's, on a real service; `test/contract` holds the matrix of personas. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { rpcClient } from '../../platform/rpc/contract.ts'
import { neutronContract } from './rpc/host-state.ts'
import { createTestNetwork, followers, type Item, type TestNetwork } from './testing/service.ts'
import { waitFor } from '../../base/wait.ts'

const quotas =
  '[QUOTAS]\nquota_network = 10\nquota_port = 10\nquota_security_group = 10\nquota_security_group_rule = 40\n'
let net: TestNetwork
let shared: Item
let sharedSubnet: Item
let external: Item
before(async () => {
  net = await createTestNetwork(quotas)
  shared = await network('admin@ops', { shared: true })
  sharedSubnet = await subnet(shared.id, '10.0.0.0/24', 'admin@ops')
  external = await network('admin@ops', { 'router:external': true })
  await subnet(external.id, '172.24.0.0/24', 'admin@ops')
})
after(() => net.close())

const network = (who: string, more: object = {}) => net.make(who, 'POST', '/networks', { network: more })
const subnet = (network_id: string, cidr: string, who: string) =>
  net.make(who, 'POST', '/subnets', { subnet: { network_id, ip_version: 4, cidr } })
const port = (who: string, network_id: string, more: object = {}) =>
  net.make(who, 'POST', '/ports', { port: { network_id, ...more } })
const router = (who: string, more: object = {}) => net.make(who, 'POST', '/routers', { router: more })
const group = (who: string) => net.make(who, 'POST', '/security-groups', { security_group: { name: 'g' } })
const list = async (who: string, kind: string, query = '') =>
  Object.values((await net.send(who, 'GET', `/v2.0/${kind}?${query}`)).body ?? {})[0] as Item[]

test('B1: what a query or a body says about owners changes no decision', async () => {
  const theirs = await network('member@two')
  const made = await port('member@two', theirs.id)
  const claims = 'project_id=one&tenant_id=one&is_admin=True&target.project_id=one&shared=True'
  for (const [kind, id] of [
    ['network', theirs.id],
    ['port', made.id],
  ] as const) {
    for (const query of ['', `?${claims}`]) {
      for (const method of ['GET', 'PUT', 'DELETE'])
        await net.refused(
          404,
          'member@one',
          method,
          `/${kind}s/${id}${query}`,
          method === 'PUT' ? { [kind]: {} } : undefined,
        )
    }
    for (const more of [
      { project_id: 'one' },
      { tenant_id: 'one' },
      { 'network:project_id': 'one' },
      { is_admin: true },
    ])
      await net.refused(400, 'member@one', 'PUT', `/${kind}s/${id}`, { [kind]: more })
  }
})

test('B3: filters and fields show nothing of another project', async () => {
  const theirs = await network('member@hidden')
  const inside = await subnet(theirs.id, '10.3.0.0/24', 'member@hidden')
  const ids = [theirs.id, inside.id, (await port('member@hidden', theirs.id)).id, (await router('member@hidden')).id]
  ids.push((await group('member@hidden')).id)
  for (const kind of [
    'networks',
    'subnets',
    'ports',
    'routers',
    'security-groups',
    'security-group-rules',
    'floatingips',
  ])
    for (const query of [
      'project_id=hidden',
      'tenant_id=hidden',
      ...ids.map((id) => `id=${id}`),
      'limit=1000&sort_key=project_id&sort_dir=desc',
      `marker=${theirs.id}&limit=10`,
      'fields=id',
      'shared=False',
    ]) {
      const { body } = await net.send('member@one', 'GET', `/v2.0/${kind}?${query}`)
      for (const id of ids)
        assert.ok(
          !JSON.stringify(Object.values(body ?? {})[0]).includes(`"id":"${id}"`),
          `${kind}?${query} shows ${id}`,
        )
    }
})

test('B6, E6: foreign ids in bodies do not exist, and nothing is made', async () => {
  const theirs = await network('member@two')
  const inside = await subnet(theirs.id, '10.2.0.0/24', 'member@two')
  const theirPort = await port('member@two', theirs.id)
  const theirGroup = await group('member@two')
  const theirRouter = await router('member@two')
  const pool = await net.make('member@two', 'POST', '/subnetpools', {
    subnetpool: { name: 'p', prefixes: ['10.50.0.0/16'] },
  })
  const addresses = await net.make('member@two', 'POST', '/address-groups', {
    address_group: { addresses: ['10.0.0.0/8'] },
  })
  const own = await network('member@one')
  const ownSubnet = await subnet(own.id, '10.1.0.0/24', 'member@one')
  const ownGroup = await group('member@one')
  const ownRouter = await router('member@one')
  const ownPort = await port('member@one', own.id)
  const rule = { security_group_id: ownGroup.id, direction: 'ingress' }
  const attempts: [status: number, method: string, path: string, body: object][] = [
    [404, 'POST', '/subnets', { subnet: { network_id: theirs.id, ip_version: 4, cidr: '10.9.0.0/24' } }],
    [404, 'POST', '/subnets', { subnet: { network_id: own.id, ip_version: 4, subnetpool_id: pool.id } }],
    [404, 'POST', '/ports', { port: { network_id: theirs.id } }],
    [404, 'POST', '/ports', { port: { network_id: external.id } }],
    [404, 'POST', '/ports', { port: { network_id: own.id, fixed_ips: [{ subnet_id: inside.id }] } }],
    [404, 'POST', '/ports', { port: { network_id: own.id, security_groups: [theirGroup.id] } }],
    [404, 'PUT', `/ports/${ownPort.id}`, { port: { security_groups: [theirGroup.id] } }],
    [404, 'POST', '/routers', { router: { external_gateway_info: { network_id: theirs.id } } }],
    [400, 'POST', '/routers', { router: { external_gateway_info: { network_id: shared.id } } }],
    [404, 'PUT', `/routers/${ownRouter.id}/add_router_interface`, { subnet_id: inside.id }],
    [404, 'PUT', `/routers/${ownRouter.id}/add_router_interface`, { port_id: theirPort.id }],
    [404, 'PUT', `/routers/${theirRouter.id}/add_router_interface`, { subnet_id: ownSubnet.id }],
    [404, 'POST', '/floatingips', { floatingip: { floating_network_id: theirs.id } }],
    [404, 'POST', '/floatingips', { floatingip: { floating_network_id: external.id, port_id: theirPort.id } }],
    [404, 'POST', '/security-group-rules', { security_group_rule: { ...rule, security_group_id: theirGroup.id } }],
    [404, 'POST', '/security-group-rules', { security_group_rule: { ...rule, remote_group_id: theirGroup.id } }],
    [404, 'POST', '/security-group-rules', { security_group_rule: { ...rule, remote_address_group_id: addresses.id } }],
    [400, 'POST', '/networks', { network: { project_id: 'two' } }],
  ]
  const everything = async () => {
    const kinds = ['networks', 'subnets', 'ports', 'routers', 'floatingips', 'security-group-rules']
    return Promise.all(kinds.map(async (kind) => (await list('admin@ops', kind)).length))
  }
  const before = await everything()
  for (const [status, method, path, body] of attempts) await net.refused(status, 'member@one', method, path, body)
  assert.deepEqual(await everything(), before)
})

test('E6: nobody’s router but its owner’s is the gateway of a shared network', async () => {
  const mine = await router('member@one')
  const add = (who: string, id: string, body: object) =>
    net.send(who, 'PUT', `/v2.0/routers/${id}/add_router_interface`, body)
  const refused = await add('member@one', mine.id, { subnet_id: sharedSubnet.id })
  assert.equal(refused.status, 400)
  assert.match(JSON.stringify(refused.body), /is not owned by project making the request/)
  // An administrator's gift of the gateway's address is not a gift of the gateway.
  const gift = { project_id: 'one', fixed_ips: [{ ip_address: '10.0.0.1' }] }
  const given = await port('admin@ops', shared.id, gift)
  assert.match(
    JSON.stringify((await add('member@one', mine.id, { port_id: given.id })).body),
    /out of the allocation pool/,
  )
  const plain = await port('member@one', shared.id)
  assert.equal((await add('member@one', mine.id, { port_id: plain.id })).status, 200, 'a pooled address does no harm')
  const theirs = { port: { network_id: (await network('member@one')).id, device_owner: 'network:router_interface' } }
  const foreign = await router('member@two')
  const forged = { port: { ...theirs.port, device_id: foreign.id } }
  assert.equal((await net.refused(409, 'member@one', 'POST', '/ports', forged)).type, 'DeviceIDNotOwnedByTenant')
})

test('B7: what belongs to administrators is neither read nor set by others', async () => {
  const own = await network('member@one')
  const made = await port('member@one', own.id)
  for (const [kind, item] of [
    ['networks', own],
    ['ports', made],
  ] as const) {
    const { body } = await net.send('member@one', 'GET', `/v2.0/${kind}/${item.id}`)
    assert.doesNotMatch(JSON.stringify(body), /provider:|binding:(host_id|vif|profile)/)
    assert.doesNotMatch(JSON.stringify(await list('member@one', kind)), /provider:|binding:(host_id|vif|profile)/)
  }
  const set = (kind: string, id: string, attribute: string, value: unknown) =>
    net.refused(403, 'member@one', 'PUT', `/${kind}s/${id}`, { [kind]: { [attribute]: value } })
  for (const [attribute, value] of [
    ['shared', true],
    ['shared', false],
    ['router:external', true],
  ] as const)
    await set('network', own.id, attribute, value)
  for (const [attribute, value] of [
    ['binding:host_id', 'h1'],
    ['binding:host_id', ''],
    ['binding:profile', {}],
  ] as const)
    await set('port', made.id, attribute, value)
  for (const more of [
    { 'provider:network_type': 'flat', 'provider:physical_network': 'provider' },
    { is_default: true },
  ])
    await net.refused(403, 'member@one', 'POST', '/networks', { network: more })
  const mine = await router('member@one')
  for (const info of [{ enable_snat: false }, { external_fixed_ips: [{ ip_address: '172.24.0.9' }] }]) {
    const body = { router: { external_gateway_info: { network_id: external.id, ...info } } }
    await net.refused(403, 'member@one', 'PUT', `/routers/${mine.id}`, body)
  }
  const taken = { floatingip: { floating_network_id: external.id, floating_ip_address: '172.24.0.77' } }
  await net.refused(403, 'member@one', 'POST', '/floatingips', taken)
})

test('B8: nobody makes his port a trusted one on a network that is not his', async () => {
  const on = (more: object) => ({ port: { network_id: shared.id, ...more } })
  for (const device_owner of ['network:dhcp', 'network:router_interface', 'network:floatingip', 'network:x'])
    await net.refused(403, 'member@one', 'POST', '/ports', on({ device_owner }))
  for (const more of [
    { port_security_enabled: false },
    { mac_address: 'fa:16:3e:00:00:01' },
    { fixed_ips: [{ ip_address: '10.0.0.99' }] },
    { allowed_address_pairs: [{ ip_address: '0.0.0.0/0' }] },
  ])
    await net.refused(403, 'member@one', 'POST', '/ports', on(more))
  const made = await port('member@one', shared.id, { device_owner: 'compute:nova' })
  for (const more of [
    { device_owner: 'network:dhcp' },
    { port_security_enabled: false },
    { mac_address: 'fa:16:3e:00:00:01' },
    { fixed_ips: [{ ip_address: '10.0.0.98' }] },
    { allowed_address_pairs: [{ ip_address: '10.0.0.1' }] },
  ])
    await net.refused(403, 'member@one', 'PUT', `/ports/${made.id}`, { port: more })
  for (const device_owner of ['compute:x', 'neutron:LOADBALANCERV2', 'baremetal:x'])
    await net.make('member@one', 'PUT', `/ports/${made.id}`, { port: { device_owner } })
  await net.make('service@service', 'PUT', `/ports/${made.id}`, { port: { 'binding:host_id': 'h1' } })
  const state = (await net.hostState('h1')).ports.find(({ id }) => id === made.id)!
  assert.equal(state.portSecurityEnabled, true, 'whatever it is called, it is filtered')
  assert.equal(state.securityGroupIds.length, 1)
})

test('B11: fifty requests at once get what there is room for', async () => {
  const many = async (path: string, body: object) => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => net.send('member@crowd', 'POST', `/v2.0${path}`, body)),
    )
    return answers.filter(({ status }) => status === 201).length
  }
  assert.equal(await many('/networks', { network: {} }), 10)
  const { id } = (await list('member@crowd', 'networks', 'project_id=crowd'))[0]!
  assert.equal(await many('/ports', { port: { network_id: id } }), 10)
  assert.equal(await many('/security-groups', { security_group: { name: 'g' } }), 9, 'and the default one')
  const bulk = { networks: [{ name: 'a' }, { name: 'b' }] }
  await net.refused(409, 'member@crowd', 'POST', '/networks', bulk)
  for (const limit of [-2, 1.5, 'x', null, 2 ** 31])
    await net.refused(400, 'admin@ops', 'PUT', '/quotas/crowd', { quota: { network: limit } })
})

test('B12: lists inside of a resource have bounds, and nothing appears by asking with another project’s id', async () => {
  const own = await network('member@bounds')
  const inside = await subnet(own.id, '10.4.0.0/24', 'member@bounds')
  const made = await port('member@bounds', own.id)
  const repeat = <T>(count: number, item: (index: number) => T) =>
    Array.from({ length: count }, (_, index) => item(index))
  const bodies: [string, object][] = [
    [`/ports/${made.id}`, { port: { allowed_address_pairs: repeat(11, (n) => ({ ip_address: `10.9.0.${n}` })) } }],
    [
      `/ports/${made.id}`,
      { port: { extra_dhcp_opts: repeat(21, (n) => ({ opt_name: String(n + 1), opt_value: 'x' })) } },
    ],
    [`/ports/${made.id}`, { port: { fixed_ips: repeat(51, () => ({ subnet_id: inside.id })) } }],
    [`/ports/${made.id}/tags`, { tags: repeat(51, String) }],
    [`/subnets/${inside.id}`, { subnet: { dns_nameservers: repeat(100, (n) => `10.9.0.${n}`) } }],
    [
      `/subnets/${inside.id}`,
      { subnet: { host_routes: repeat(100, (n) => ({ destination: `10.${n}.0.0/16`, nexthop: '10.4.0.9' })) } },
    ],
  ]
  for (const [path, body] of bodies) await net.refused(400, 'member@bounds', 'PUT', path, body)
  const addresses = (from: number) => repeat(1000, (n) => `10.${from}.${n >> 8}.${n & 255}/32`)
  const many = await net.make('member@bounds', 'POST', '/address-groups', {
    address_group: { addresses: addresses(0) },
  })
  await net.refused(400, 'member@bounds', 'PUT', `/address-groups/${many.id}/add_addresses`, {
    addresses: ['192.0.2.1'],
  })
  for (const [path, body] of [
    ['/address-groups', { address_group: {} }],
    ['/address-scopes', { address_scope: {} }],
  ] as const) {
    const answers = await Promise.all(repeat(120, () => net.send('member@bounds', 'POST', `/v2.0${path}`, body)))
    const made = answers.filter(({ status }) => status === 201).length
    assert.equal(made, path === '/address-groups' ? 99 : 100, path)
  }
  const before = (await list('admin@ops', 'security-groups')).length
  await list('member@bounds', 'security-groups', 'project_id=nobody-s')
  await net.send('member@bounds', 'GET', '/v2.0/quotas/nobody-s')
  await net.send('member@bounds', 'GET', '/v2.0/auto-allocated-topology/nobody-s')
  const groups = await list('admin@ops', 'security-groups')
  assert.ok(groups.length <= before + 1 && groups.every((each) => each['project_id'] !== 'nobody-s'))
})

test('E3: what could end a line in a file of dnsmasq never gets into the database', async () => {
  const own = await network('member@lines')
  const inside = await subnet(own.id, '10.5.0.0/24', 'member@lines')
  const made = await port('member@lines', own.id)
  for (const hostile of ['a\nb', 'a\rb', 'a\0b', 'a\u2028b', 'a b', 'a,b', '-a', 'x\ndhcp-script=/bin/sh']) {
    const bodies: [string, object][] = [
      [`/ports/${made.id}`, { port: { dns_name: hostile } }],
      [`/networks/${own.id}`, { network: { dns_domain: hostile } }],
      [`/subnets/${inside.id}`, { subnet: { dns_nameservers: [hostile] } }],
      [`/subnets/${inside.id}`, { subnet: { gateway_ip: hostile } }],
      [`/subnets/${inside.id}`, { subnet: { host_routes: [{ destination: hostile, nexthop: '10.5.0.9' }] } }],
      [`/subnets/${inside.id}`, { subnet: { host_routes: [{ destination: '10.6.0.0/24', nexthop: hostile }] } }],
      [`/ports/${made.id}`, { port: { extra_dhcp_opts: [{ opt_name: hostile, opt_value: 'x' }] } }],
      [`/ports/${made.id}`, { port: { mac_address: hostile } }],
    ]
    // Whatever is on one line is an option that dnsmasq may know or not.
    const isLine = !/[\n\r\0\u2028]/.test(hostile)
    for (const [path, body] of bodies)
      if (!isLine || !/opt_name/.test(JSON.stringify(body))) await net.refused(400, 'member@lines', 'PUT', path, body)
    if (!isLine) {
      const options = { port: { extra_dhcp_opts: [{ opt_name: 'bootfile-name', opt_value: hostile }] } }
      await net.refused(400, 'member@lines', 'PUT', `/ports/${made.id}`, options)
    }
  }
})

test('P3: a host speaks for itself only, and about ports that are on it', async () => {
  const own = await network('member@hosts')
  const made = await port('member@hosts', own.id, { device_owner: 'compute:nova' })
  await net.make('service@service', 'PUT', `/ports/${made.id}`, { port: { 'binding:host_id': 'h1' } })
  const thief = rpcClient(net.bus.forHost('h2'), neutronContract)
  const nothing = { up: [], down: [], errors: [] }
  await assert.rejects(
    thief.pullHost(null, { host: 'h1', revision: null, parts: followers() }),
    /must not speak for h1/,
  )
  await assert.rejects(thief.reportPorts(null, { host: 'h1', ...nothing, down: [made.id] }), /must not speak for h1/)
  const agents = { host: 'h1', tunnelIp: '192.0.2.66', bridgeMappings: [], agents: [] }
  await assert.rejects(thief.reportAgents(null, agents), /must not speak for h1/)
  const errors = [{ portId: made.id, message: 'forged' }]
  const status = async () => (await net.make('admin@ops', 'GET', `/ports/${made.id}`))['status']
  await waitFor(async () => (await status()) === 'ACTIVE', { what: 'its own host plugs it', timeoutMs: 20_000 })
  await thief.reportPorts(null, { host: 'h2', up: [], down: [made.id], errors })
  assert.equal(await status(), 'ACTIVE')
  const { state } = await thief.pullHost(null, { host: 'h2', revision: null, parts: followers() })
  assert.deepEqual([state!.ports, state!.securityGroups, state!.dhcp], [[], [], []])
})

test('D4: two tenants with the same address are told apart by their networks', async () => {
  const sides: { id: string; network: string }[] = []
  for (const who of ['member@left', 'member@right']) {
    const own = await network(who)
    await subnet(own.id, '10.8.0.0/24', who)
    const fixed_ips = [{ ip_address: '10.8.0.8' }]
    const { id } = await port(who, own.id, { fixed_ips, device_owner: 'compute:nova', device_id: `server-of-${who}` })
    await net.make('service@service', 'PUT', `/ports/${id}`, { port: { 'binding:host_id': 'h1' } })
    sides.push({ id, network: own.id })
  }
  const { dhcp } = await net.hostState('h1')
  const whoHas = (networkId: string) =>
    dhcp
      .find((each) => each.networkId === networkId)!
      .hosts.filter(({ addresses }) => addresses.some(({ ip }) => ip === '10.8.0.8'))
      .map(({ deviceId, projectId }) => [deviceId, projectId])
  assert.deepEqual(
    sides.map((side) => whoHas(side.network)),
    [[['server-of-member@left', 'left']], [['server-of-member@right', 'right']]],
  )
})
