/** Which hosts have to look after which change, and that none is forgotten. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { rpcClient } from '../../../platform/rpc/contract.ts'
import { neutronContract } from '../rpc/host-state.ts'
import { createTestNetwork, followers, type Item, type TestNetwork } from '../testing/service.ts'

const user = 'member@one'
const admin = 'admin@ops'
const hosts = ['h1', 'h2', 'h3', 'h4', 'h5', 'h6']

async function start(t: TestContext): Promise<TestNetwork> {
  const net = await createTestNetwork('[QUOTAS]\nquota_port = -1\nquota_network = -1\nquota_router = -1\n', hosts)
  t.after(() => net.close())
  return net
}

const revisionsOf = async (net: TestNetwork) => {
  const all = await Promise.all(hosts.map(async (host) => [host, (await net.hostState(host)).revision] as const))
  return new Map(all)
}

/**
 * Guests in `near` on h1 and h2 and in `far` on h3; a router of `near` on h4 with a way out, DHCP of `near` on h5; h6 is
 * empty. The guests of h2 and h3 are in groups of their own, that of h3 lets in the one of h2.
 */
async function world(net: TestNetwork) {
  const make = (who: string, path: string, kind: string, values: object): Promise<Item> =>
    net.make(who, 'POST', path, { [kind]: values })
  const network = (name: string) => make(user, '/networks', 'network', { name })
  const subnet = (who: string, network_id: string, cidr: string, more: object = {}) =>
    make(who, '/subnets', 'subnet', { network_id, ip_version: 4, cidr, enable_dhcp: false, ...more })
  const group = (name: string) => make(user, '/security-groups', 'security_group', { name })
  const guest = (network_id: string, host: string, security_groups: string[]) =>
    make(admin, '/ports', 'port', {
      network_id,
      project_id: 'one',
      device_owner: 'compute:nova',
      device_id: `server-${host}`,
      security_groups,
      'binding:host_id': host,
    })
  const agentOn = async (type: string, host: string) => {
    const { body } = await net.send(admin, 'GET', `/v2.0/agents?host=${host}`)
    return (body['agents'] as Item[]).find((agent) => agent['agent_type'] === type)!.id
  }
  const [near, far, outside] = [await network('near'), await network('far'), await network('outside')]
  await net.make(admin, 'PUT', `/networks/${outside.id}`, { network: { 'router:external': true } })
  const nearSubnet = await subnet(user, near.id, '10.0.0.0/24', { enable_dhcp: true })
  await subnet(user, far.id, '10.1.0.0/24')
  await subnet(admin, outside.id, '198.51.100.0/24')
  const dhcpAgents = (await net.send(admin, 'GET', `/v2.0/networks/${near.id}/dhcp-agents`)).body['agents'] as Item[]
  for (const { id } of dhcpAgents) await net.make(admin, 'DELETE', `/agents/${id}/dhcp-networks/${near.id}`)
  await net.make(admin, 'POST', `/agents/${await agentOn('DHCP agent', 'h5')}/dhcp-networks`, { network_id: near.id })
  const router = await make(user, '/routers', 'router', { name: 'r' })
  await net.make(admin, 'POST', `/agents/${await agentOn('L3 agent', 'h4')}/l3-routers`, { router_id: router.id })
  await net.make(user, 'PUT', `/routers/${router.id}`, {
    router: { external_gateway_info: { network_id: outside.id } },
  })
  await net.make(user, 'PUT', `/routers/${router.id}/add_router_interface`, { subnet_id: nearSubnet.id })
  const [plain, second, third] = [await group('plain'), await group('second'), await group('third')]
  const rule = { security_group_id: third.id, direction: 'ingress', remote_group_id: second.id }
  await make(user, '/security-group-rules', 'security_group_rule', rule)
  const [port1, port2, port3] = [
    await guest(near.id, 'h1', [plain.id]),
    await guest(near.id, 'h2', [second.id]),
    await guest(far.id, 'h3', [third.id]),
  ]
  const floating = await make(user, '/floatingips', 'floatingip', { floating_network_id: outside.id })
  return { near, far, nearSubnet, router, plain, second, third, port1, port2, port3, floating, make, agentOn, guest }
}
type World = Awaited<ReturnType<typeof world>>

type Step = (net: TestNetwork, world: World) => Promise<unknown>
const put =
  (who: string, path: (world: World) => string, body: (world: World) => object): Step =>
  (net, it) =>
    net.make(who, 'PUT', path(it), body(it))
const port1 = (values: object) =>
  put(
    admin,
    (it) => `/ports/${it.port1.id}`,
    () => ({ port: values }),
  )

/** One after the other, on the same cloud. */
const table: readonly [what: string, concerned: string, step: Step][] = [
  ['a network is made', '', (_, { make }) => make(user, '/networks', 'network', {})],
  ['a port has another name', '', port1({ name: 'n' })],
  ['a port gets another name in DNS', 'h1 h4 h5', port1({ dns_name: 'guest' })],
  ['a port is switched off', 'h1 h4 h5', port1({ admin_state_up: false })],
  ['a port has other addresses', 'h1 h4 h5', port1({ fixed_ips: [{ ip_address: '10.0.0.77' }] })],
  [
    'a port without a host is made',
    'h4 h5',
    (_, { make, near }) => make(user, '/ports', 'port', { network_id: near.id, security_groups: [] }),
  ],
  [
    'a port in a group that another lets in has another address',
    'h2 h3 h4 h5',
    put(
      admin,
      (it) => `/ports/${it.port2.id}`,
      () => ({ port: { fixed_ips: [{ ip_address: '10.0.0.78' }] } }),
    ),
  ],
  [
    'a rule is added',
    'h1',
    (_, { make, plain }) =>
      make(user, '/security-group-rules', 'security_group_rule', {
        security_group_id: plain.id,
        direction: 'ingress',
        protocol: 'tcp',
        port_range_min: 1,
        port_range_max: 2,
      }),
  ],
  [
    'a group that another lets in has another rule',
    'h2 h3',
    (_, { make, second }) =>
      make(user, '/security-group-rules', 'security_group_rule', {
        security_group_id: second.id,
        direction: 'ingress',
        protocol: 'udp',
      }),
  ],
  [
    'a group has another name',
    '',
    put(
      user,
      (it) => `/security-groups/${it.plain.id}`,
      () => ({ security_group: { name: 'other' } }),
    ),
  ],
  [
    'an address group is made and used',
    'h1',
    async (net, { make, plain }) => {
      const group = await make(user, '/address-groups', 'address_group', { addresses: ['192.0.2.0/24'] })
      const rule = { security_group_id: plain.id, direction: 'ingress', remote_address_group_id: group.id }
      await make(user, '/security-group-rules', 'security_group_rule', rule)
      await net.make(user, 'PUT', `/address-groups/${group.id}/add_addresses`, {
        addresses: ['203.0.113.0/24'],
      })
    },
  ],
  [
    'a subnet has other name servers',
    'h4 h5',
    put(
      user,
      (it) => `/subnets/${it.nearSubnet.id}`,
      () => ({ subnet: { dns_nameservers: ['192.0.2.1'] } }),
    ),
  ],
  [
    'a network takes smaller packets',
    'h1 h2 h4 h5',
    put(
      user,
      (it) => `/networks/${it.near.id}`,
      () => ({ network: { mtu: 1300 } }),
    ),
  ],
  [
    'a router has a route',
    'h4',
    put(
      user,
      (it) => `/routers/${it.router.id}`,
      () => ({ router: { routes: [{ destination: '192.0.2.0/24', nexthop: '10.0.0.200' }] } }),
    ),
  ],
  [
    'a floating IP leads to a port',
    'h4',
    put(
      user,
      (it) => `/floatingips/${it.floating.id}`,
      (it) => ({ floatingip: { port_id: it.port1.id } }),
    ),
  ],
  [
    'a server comes to a host that had none',
    'h1 h2 h4 h5 h6',
    (_, { guest, near, plain }) => guest(near.id, 'h6', [plain.id]),
  ],
  ['a server moves to another host', 'h1 h2 h3 h4 h5 h6', port1({ 'binding:host_id': 'h3' })],
  ['a port goes', 'h2 h3 h4 h5 h6', (net, it) => net.make(admin, 'DELETE', `/ports/${it.port1.id}`)],
  [
    'a host is met at another address',
    'h2 h4 h5 h6',
    (net) =>
      rpcClient(net.bus.forHost('h6'), neutronContract).reportAgents(null, {
        host: 'h6',
        tunnelIp: '192.0.2.6',
        bridgeMappings: ['provider'],
        agents: [],
      }),
  ],
]

test('a change raises the revision of the hosts that it concerns, and of no other', async (t) => {
  const net = await start(t)
  const it = await world(net)
  for (const [what, concerned, step] of table) {
    const before = await revisionsOf(net)
    await step(net, it)
    const after = await revisionsOf(net)
    assert.equal(hosts.filter((host) => after.get(host) !== before.get(host)).join(' '), concerned, what)
  }
})

/** Random numbers that are the same in each run. */
function randomOf(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return Math.floor((state / 2_147_483_648) * below)
  }
}

/** What anybody may do in a network, a few things of each kind; a refusal is as good as a change. */
async function randomStep(net: TestNetwork, random: (below: number) => number): Promise<string> {
  const pick = <T>(all: readonly T[]): T | undefined => all[random(all.length)]
  const some = async (path: string, key = path.slice(1).replaceAll('-', '_')) =>
    pick((await net.send(admin, 'GET', `/v2.0${path}`)).body[key] as Item[])
  const host = pick([...hosts, ''])
  const idOf = async (path: string) => (await some(path))?.id ?? 'none'
  const port = async () => (await net.send(admin, 'GET', '/v2.0/ports')).body['ports'] as Item[]
  const guest = async () => pick((await port()).filter((each) => !String(each['device_owner']).startsWith('network:')))
  const put = async (path: string, kind: string, values: object) =>
    ['PUT', `${path}/${await idOf(path)}`, { [kind]: values }] as const
  const putGuest = async (values: object) => ['PUT', `/ports/${(await guest())?.id}`, { port: values }] as const
  const steps: (() => Promise<readonly [method: string, path: string, json?: unknown]>)[] = [
    async () => ['POST', '/networks', { network: { name: 'n' } }],
    async () => [
      'POST',
      '/subnets',
      { subnet: { network_id: await idOf('/networks'), ip_version: 4, cidr: `10.${random(50)}.0.0/24` } },
    ],
    async () => [
      'POST',
      '/subnets',
      {
        subnet: {
          network_id: await idOf('/networks'),
          ip_version: 6,
          cidr: `fd00:${random(50)}::/64`,
          ipv6_ra_mode: 'slaac',
          ipv6_address_mode: 'slaac',
        },
      },
    ],
    ...Array.from({ length: 4 }, () => async () => {
      const values = { project_id: 'one', device_owner: 'compute:nova', device_id: 'server', 'binding:host_id': host }
      return ['POST', '/ports', { port: { network_id: await idOf('/networks'), ...values } }] as const
    }),
    async () => ['POST', '/routers', { router: { project_id: 'one' } }],
    async () => ['POST', '/security-groups', { security_group: { name: 'g', project_id: 'one' } }],
    async () => [
      'POST',
      '/security-group-rules',
      {
        security_group_rule: {
          security_group_id: await idOf('/security-groups'),
          direction: 'ingress',
          protocol: random(100),
          remote_group_id: random(2) === 0 ? null : await idOf('/security-groups'),
        },
      },
    ],
    async () => [
      'POST',
      '/floatingips',
      { floatingip: { floating_network_id: await idOf('/networks'), project_id: 'one' } },
    ],
    () => put('/networks', 'network', { mtu: 1280 + random(100) }),
    () => put('/networks', 'network', { admin_state_up: random(2) === 0 }),
    () => put('/networks', 'network', { 'router:external': random(2) === 0 }),
    () => put('/subnets', 'subnet', { enable_dhcp: random(2) === 0 }),
    () => put('/subnets', 'subnet', { dns_nameservers: [`192.0.2.${random(99)}`] }),
    () => put('/subnets', 'subnet', { gateway_ip: null }),
    async () => putGuest({ 'binding:host_id': host }),
    async () => putGuest({ 'binding:host_id': host }),
    async () => putGuest({ security_groups: [await idOf('/security-groups')] }),
    async () => putGuest({ dns_name: `name${random(99)}` }),
    async () => putGuest({ device_id: `server-${random(99)}`, admin_state_up: random(2) === 0 }),
    async () => putGuest({ allowed_address_pairs: [{ ip_address: `192.0.2.${random(99)}` }] }),
    async () => putGuest({ fixed_ips: [{ subnet_id: await idOf('/subnets') }] }),
    async () => putGuest({ security_groups: [], port_security_enabled: random(2) === 0 }),
    () => put('/routers', 'router', { admin_state_up: random(2) === 0 }),
    async () => put('/routers', 'router', { external_gateway_info: { network_id: await idOf('/networks') } }),
    async () => [
      'PUT',
      `/routers/${await idOf('/routers')}/add_router_interface`,
      { subnet_id: await idOf('/subnets') },
    ],
    async () => [
      'PUT',
      `/routers/${await idOf('/routers')}/remove_router_interface`,
      { subnet_id: await idOf('/subnets') },
    ],
    async () => put('/floatingips', 'floatingip', { port_id: (await guest())?.id }),
    async () => ['POST', `/agents/${await idOf('/agents')}/dhcp-networks`, { network_id: await idOf('/networks') }],
    async () => ['DELETE', `/agents/${await idOf('/agents')}/dhcp-networks/${await idOf('/networks')}`],
    async () => ['DELETE', `/agents/${await idOf('/agents')}/l3-routers/${await idOf('/routers')}`],
    async () => ['POST', `/agents/${await idOf('/agents')}/l3-routers`, { router_id: await idOf('/routers') }],
    async () => ['POST', `/ports/${(await guest())?.id}/bindings`, { binding: { host: pick(hosts) } }],
    async () => ['PUT', `/ports/${(await guest())?.id}/bindings/${pick(hosts)}/activate`],
    async () => ['DELETE', `/ports/${(await guest())?.id}`],
    async () => ['DELETE', `/security-group-rules/${(await some('/security-group-rules'))?.id}`],
    ...['/networks', '/subnets', '/routers', '/security-groups', '/floatingips'].map(
      (path) => async () => ['DELETE', `${path}/${await idOf(path)}`] as const,
    ),
  ]
  const [method, path, json] = await pick(steps)!()
  const { status } = await net.send(admin, method, `/v2.0${path}`, json)
  assert.ok(status < 500, `${method} ${path}: ${status}`)
  return `${status} ${method} ${path} ${JSON.stringify(json)}`
}

test('who reads its state only when its revision is another one has what is there, whatever is done', async (t) => {
  const net = await start(t)
  await world(net)
  const random = randomOf(7)
  const followed = new Map<string, Awaited<ReturnType<TestNetwork['hostState']>>>()
  let reads = 0
  for (let step = 0; step < 250; step++) {
    const what = await randomStep(net, random)
    for (const host of hosts) {
      const revision = followed.get(host)?.revision ?? null
      const server = rpcClient(net.bus.forHost(host), neutronContract)
      const { state } = await server.pullHost(null, { host, revision, parts: followers() })
      if (state) {
        followed.set(host, state)
        reads++
      }
      assert.deepEqual(followed.get(host), await net.hostState(host), `${host} after step ${step}: ${what}`)
    }
  }
  assert.ok(reads > 100 && reads < 250 * hosts.length, `${reads} reads`)
})
