import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createTestNetwork, type Item, type TestNetwork } from '../../testing/service.ts'

let net: TestNetwork
before(async () => {
  net = await createTestNetwork()
})
after(() => net.close())

const group = (more: object = {}, who = 'member@one') =>
  net.make(who, 'POST', '/security-groups', { security_group: { name: 'g', ...more } })
const rule = (security_group_id: string, more: object, who = 'member@one') =>
  net.make(who, 'POST', '/security-group-rules', {
    security_group_rule: { security_group_id, direction: 'ingress', ...more },
  })
const refuse = (security_group_id: string, more: object, status = 400, who = 'member@one') =>
  net.refused(status, who, 'POST', '/security-group-rules', {
    security_group_rule: { security_group_id, direction: 'ingress', ...more },
  })

test('the first look makes the default group, which stays as it is', async () => {
  const [first] = (await net.send('reader@fresh', 'GET', '/v2.0/security-groups')).body['security_groups'] as Item[]
  assert.equal(first!['name'], 'default')
  const rules = first!['security_group_rules'] as Item[]
  assert.deepEqual(rules.map((each) => `${each['direction']} ${each['ethertype']}`).sort(), [
    'egress IPv4',
    'egress IPv6',
    'ingress IPv4',
    'ingress IPv6',
  ])
  assert.ok(rules.every((each) => each['belongs_to_default_sg'] === true))
  assert.ok(
    rules.filter((each) => each['direction'] === 'ingress').every((each) => each['remote_group_id'] === first!.id),
  )
  const path = `/security-groups/${first!.id}`
  const rename = { security_group: { name: 'x' } }
  assert.equal((await net.refused(409, 'member@fresh', 'PUT', path, rename)).type, 'SecurityGroupCannotUpdateDefault')
  assert.equal((await net.refused(409, 'member@fresh', 'DELETE', path)).type, 'SecurityGroupCannotRemoveDefault')
  const second = await net.refused(409, 'member@fresh', 'POST', '/security-groups', {
    security_group: { name: 'Default' },
  })
  assert.equal(second.type, 'SecurityGroupDefaultAlreadyExists')
})

test('rules are checked in neutron’s words', async () => {
  const { id } = await group()
  const typeOf = async (more: object) => (await refuse(id, more)).type
  assert.equal(await typeOf({ port_range_min: 1, port_range_max: 2 }), 'SecurityGroupProtocolRequiredWithPorts')
  assert.equal(await typeOf({ protocol: 'tcp', port_range_min: 9, port_range_max: 2 }), 'SecurityGroupInvalidPortRange')
  assert.equal(await typeOf({ protocol: 'tcp', port_range_min: 9 }), 'SecurityGroupInvalidPortRange')
  assert.equal(await typeOf({ protocol: 'icmp', port_range_max: 2 }), 'SecurityGroupMissingIcmpType')
  assert.equal(await typeOf({ protocol: 'icmp', port_range_min: 300 }), 'SecurityGroupInvalidIcmpValue')
  assert.equal(
    await typeOf({ protocol: 'esp', port_range_min: 1, port_range_max: 2 }),
    'SecurityGroupInvalidProtocolForPort',
  )
  assert.equal(await typeOf({ protocol: 'nonsense' }), 'SecurityGroupRuleInvalidProtocol')
  assert.equal(await typeOf({ protocol: 'ipv6-icmp' }), 'SecurityGroupEthertypeConflictWithProtocol')
  assert.equal(await typeOf({ remote_ip_prefix: 'fd00::/8' }), 'SecurityGroupRuleParameterConflict')
  assert.equal(
    await typeOf({ remote_ip_prefix: '10.0.0.0/8', remote_group_id: id }),
    'SecurityGroupMultipleRemoteEntites',
  )
  const made = await rule(id, {
    protocol: 'TCP',
    port_range_min: '22',
    port_range_max: 22,
    remote_ip_prefix: '10.0.0.9/8',
  })
  assert.deepEqual(
    [made['protocol'], made['port_range_min'], made['remote_ip_prefix'], made['normalized_cidr']],
    ['tcp', 22, '10.0.0.9/8', '10.0.0.0/8'],
  )
  const again = { protocol: 'tcp', port_range_min: 22, port_range_max: 22, remote_ip_prefix: '10.0.0.9/8' }
  const double = await refuse(id, again, 409)
  assert.deepEqual(
    [double.type, double.message],
    ['SecurityGroupRuleExists', `Security group rule already exists. Rule id is ${made.id}.`],
  )
  await net.make('member@one', 'DELETE', `/security-group-rules/${made.id}`)
  assert.equal(
    (await net.refused(404, 'member@one', 'GET', `/security-group-rules/${made.id}`)).type,
    'SecurityGroupRuleNotFound',
  )
})

test('a group that ports use stays, and stays stateful', async () => {
  const made = await group()
  const network = await net.make('member@one', 'POST', '/networks', { network: {} })
  await net.make('member@one', 'POST', '/ports', { port: { network_id: network.id, security_groups: [made.id] } })
  assert.equal(
    (await net.refused(409, 'member@one', 'DELETE', `/security-groups/${made.id}`)).type,
    'SecurityGroupInUse',
  )
  const stateless = { security_group: { stateful: false } }
  assert.equal(
    (await net.refused(409, 'member@one', 'PUT', `/security-groups/${made.id}`, stateless)).type,
    'SecurityGroupInUse',
  )
  const other = await group({ stateful: 'False' })
  assert.equal(other['stateful'], false)
})

test('groups of others exist neither for rules nor for ports', async () => {
  const theirs = await group({}, 'member@two')
  assert.equal((await refuse(theirs.id, {}, 404)).type, 'SecurityGroupNotFound')
  const mine = await group()
  assert.equal((await refuse(mine.id, { remote_group_id: theirs.id }, 404)).type, 'SecurityGroupNotFound')
  assert.equal((await refuse(mine.id, {}, 403, 'reader@one')).type, 'PolicyNotAuthorized')
})

test('the rules that a new group begins with are the administrator’s', async () => {
  const body = {
    default_security_group_rule: {
      direction: 'ingress',
      protocol: 'tcp',
      port_range_min: 22,
      port_range_max: 22,
      used_in_default_sg: false,
    },
  }
  const path = '/default-security-group-rules'
  assert.equal((await net.refused(403, 'member@one', 'POST', path, body)).type, 'PolicyNotAuthorized')
  const made = await net.make('admin@ops', 'POST', path, body)
  assert.equal((await net.refused(409, 'admin@ops', 'POST', path, body)).type, 'DefaultSecurityGroupRuleExists')
  assert.equal(made['used_in_non_default_sg'], true)
  const listed = (await net.send('reader@one', 'GET', `/v2.0${path}?protocol=tcp`)).body[
    'default_security_group_rules'
  ] as Item[]
  assert.deepEqual(
    listed.map(({ id }) => id),
    [made.id],
  )
  const fresh = await group({}, 'member@later')
  assert.ok((fresh['security_group_rules'] as Item[]).some((each) => each['port_range_min'] === 22))
  await net.make('admin@ops', 'DELETE', `${path}/${made.id}`)
  assert.equal(
    (await net.refused(404, 'admin@ops', 'DELETE', `${path}/${made.id}`)).type,
    'DefaultSecurityGroupRuleNotFound',
  )
})

test('an address group’s rule reaches the agents as its prefixes', async () => {
  const addresses = await net.make('member@one', 'POST', '/address-groups', {
    address_group: { name: 'a', addresses: ['10.1.2.3/24', '10.9.0.1/32', 'fd00::/64'] },
  })
  assert.deepEqual(addresses['addresses'], ['10.1.2.0/24', '10.9.0.1/32', 'fd00::/64'])
  const { id } = await group()
  const made = await rule(id, { remote_address_group_id: addresses.id })
  const network = await net.make('member@one', 'POST', '/networks', { network: {} })
  await net.make('admin@ops', 'POST', '/ports', {
    port: { network_id: network.id, security_groups: [id], 'binding:host_id': 'h1' },
  })
  const prefixes = async () =>
    (await net.hostState('h1')).securityGroups
      .find((each) => each.id === id)!
      .rules.filter((each) => each.id === made.id)
      .map((each) => each.remoteCidr)
  assert.deepEqual(await prefixes(), ['10.1.2.0/24', '10.9.0.1/32'])
  const put = (action: string, list: string[]) =>
    net.send('member@one', 'PUT', `/v2.0/address-groups/${addresses.id}/${action}`, { addresses: list })
  assert.equal((await put('add_addresses', ['10.9.0.1/32'])).status, 400)
  assert.equal((await put('remove_addresses', ['10.8.0.1/32'])).status, 404)
  assert.equal((await put('remove_addresses', ['10.9.0.1/32'])).status, 200)
  assert.deepEqual(await prefixes(), ['10.1.2.0/24'])
  const used = await net.refused(409, 'member@one', 'DELETE', `/address-groups/${addresses.id}`)
  assert.equal(used.type, 'AddressGroupInUse')
  assert.equal((await net.send('member@two', 'GET', `/v2.0/address-groups/${addresses.id}`)).status, 404)
})
