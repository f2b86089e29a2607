import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createTestNetwork, type TestNetwork } from '../../testing/service.ts'

let net: TestNetwork
before(async () => {
  net = await createTestNetwork('[ml2_type_vlan]\nnetwork_vlan_ranges = phys:100:101\n')
})
after(() => net.close())

const names = (answer: { body: unknown }, plural: string) =>
  (answer.body as Record<string, { name: string }[]>)[plural]!.map((each) => each.name)

test('a network shows neutron’s attributes, provider ones to administrators only', async () => {
  const made = await net.make('member@one', 'POST', '/networks', { network: { name: 'a', admin_state_up: 'False' } })
  assert.equal(made['admin_state_up'], false)
  assert.equal(made['mtu'], 1450)
  assert.equal(made['revision_number'], 1)
  assert.match(String(made['created_at']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  assert.deepEqual(made['tags'], [])
  assert.equal('provider:network_type' in made, false)
  const seen = await net.make('admin@ops', 'GET', `/networks/${made.id}`)
  assert.equal(seen['provider:network_type'], 'vxlan')
})

test('errors have upstream’s type, message and an empty detail', async () => {
  const missing = await net.refused(404, 'member@one', 'GET', '/networks/none')
  assert.deepEqual(missing, { type: 'NetworkNotFound', message: 'Network none could not be found.', detail: '' })
  const unknown = await net.refused(400, 'member@one', 'POST', '/networks', { network: { bogus: 1 } })
  assert.deepEqual(unknown, { type: 'HTTPBadRequest', message: "Unrecognized attribute(s) 'bogus'", detail: '' })
  const wrong = await net.refused(400, 'member@one', 'POST', '/networks', { network: { admin_state_up: 'maybe' } })
  assert.equal(wrong.message, "Invalid input for admin_state_up. Reason: 'maybe' cannot be converted to boolean.")
  const shared = await net.refused(403, 'member@one', 'POST', '/networks', { network: { shared: true } })
  assert.deepEqual(shared, {
    type: 'PolicyNotAuthorized',
    message: '(rule:create_network and rule:create_network:shared) is disallowed by policy',
    detail: '',
  })
  await net.make('member@one', 'POST', '/networks', { network: { name: 'plain', shared: false } })
  const other = await net.refused(400, 'member@one', 'POST', '/networks', { network: { project_id: 'two' } })
  assert.equal(other.type, 'HTTPBadRequest')
})

test('many are made at once or none', async () => {
  const { body, status } = await net.send('member@bulk', 'POST', '/v2.0/networks', {
    networks: [{ name: 'x' }, { name: 'y' }],
  })
  assert.equal(status, 201)
  assert.deepEqual(names({ body }, 'networks'), ['x', 'y'])
  await net.make('admin@ops', 'PUT', '/quotas/bulk', { quota: { network: 3 } })
  const over = await net.refused(409, 'member@bulk', 'POST', '/networks', { networks: [{ name: 'z' }, { name: 'w' }] })
  assert.deepEqual(over, { type: 'OverQuota', message: "Quota exceeded for resources: ['network'].", detail: '' })
  assert.deepEqual(names(await net.send('member@bulk', 'GET', '/v2.0/networks'), 'networks').sort(), ['x', 'y'])
})

test('lists are filtered, sorted, cut into pages and fields', async () => {
  for (const name of ['p1', 'p2', 'p3']) await net.make('member@pages', 'POST', '/networks', { network: { name } })
  const get = (query: string) => net.send('member@pages', 'GET', `/v2.0/networks?${query}`)
  assert.deepEqual(names(await get('sort_key=name&sort_dir=desc'), 'networks'), ['p3', 'p2', 'p1'])
  const first = await get('sort_key=name&sort_dir=asc&limit=2')
  assert.deepEqual(names(first, 'networks'), ['p1', 'p2'])
  const links = first.body['networks_links'] as unknown as { rel: string; href: string }[]
  const next = links.find((link) => link.rel === 'next')!.href.replace('http://network.test', '')
  const second = await net.send('member@pages', 'GET', next)
  assert.deepEqual(names(second, 'networks'), ['p3'])
  assert.deepEqual(
    (second.body['networks_links'] as unknown as { rel: string }[]).map((link) => link.rel),
    ['previous'],
  )
  const fields = await get('fields=name&fields=mtu&name=p1')
  assert.deepEqual(fields.body['networks'], [{ name: 'p1', mtu: 1450 }])
  assert.deepEqual(names(await get('admin_state_up=False'), 'networks'), [])
  const filter = await net.refused(400, 'member@pages', 'GET', '/networks?bogus=1')
  assert.equal(filter.message, "['bogus'] is invalid attribute for filtering")
  assert.equal((await get('sort_key=name')).status, 400)
  assert.equal((await get('sort_key=bogus&sort_dir=asc')).status, 400)
  assert.equal((await get('limit=-1')).status, 400)
  assert.equal((await get('limit=1&marker=none')).status, 400)
  assert.deepEqual(names(await get('changed_since=2099-01-01T00:00:00'), 'networks'), [])
})

test('tags are set, filtered by, and raise the revision', async () => {
  const { id } = await net.make('member@tags', 'POST', '/networks', { network: { name: 'red' } })
  const { id: other } = await net.make('member@tags', 'POST', '/networks', { network: { name: 'blue' } })
  const tags = `/v2.0/networks/${id}/tags`
  const set = await net.send('member@tags', 'PUT', tags, { tags: ['b', 'a'] })
  assert.deepEqual([set.status, set.body], [200, { tags: ['b', 'a'] }])
  assert.equal((await net.send('member@tags', 'PUT', `${tags}/c`)).status, 201)
  assert.equal((await net.send('member@tags', 'PUT', `${tags}/c`)).status, 201)
  assert.equal((await net.send('member@tags', 'GET', `${tags}/c`)).status, 204)
  assert.deepEqual((await net.send('member@tags', 'GET', tags)).body, { tags: ['a', 'b', 'c'] })
  await net.send('member@tags', 'PUT', `/v2.0/networks/${other}/tags`, { tags: ['a'] })
  const get = async (query: string) =>
    names(await net.send('member@tags', 'GET', `/v2.0/networks?${query}`), 'networks')
  assert.deepEqual(await get('tags=a,b'), ['red'])
  assert.deepEqual((await get('tags-any=b,a')).sort(), ['blue', 'red'])
  assert.deepEqual(await get('not-tags=a,b'), ['blue'])
  assert.deepEqual(await get('not-tags-any=a,b'), [])
  assert.equal((await net.send('member@tags', 'DELETE', `${tags}/c`)).status, 204)
  const gone = await net.refused(404, 'member@tags', 'DELETE', `/networks/${id}/tags/c`)
  assert.deepEqual([gone.type, gone.message], ['TagNotFound', 'Tag c could not be found.'])
  const seen = await net.make('member@tags', 'GET', `/networks/${id}`)
  assert.deepEqual(seen['tags'], ['a', 'b'])
  assert.ok(Number(seen['revision_number']) > 1)
  assert.equal((await net.send('member@other', 'PUT', tags, { tags: [] })).status, 404)
  assert.equal((await net.send('reader@tags', 'PUT', tags, { tags: [] })).status, 403)
  assert.equal((await net.send('member@tags', 'DELETE', tags)).status, 204)
})

test('If-Match makes an update conditional', async () => {
  const { id } = await net.make('member@one', 'POST', '/networks', { network: { name: 'cas' } })
  const put = (condition: string) =>
    net.send('member@one', 'PUT', `/v2.0/networks/${id}`, { network: { name: 'n' } }, { 'If-Match': condition })
  const stale = await net.refused(
    412,
    'member@one',
    'PUT',
    `/networks/${id}`,
    { network: { name: 'n' } },
    { 'If-Match': 'revision_number=7' },
  )
  assert.deepEqual(stale, {
    type: 'RevisionNumberConstraintFailed',
    message: 'Constrained to 7, but current revision is 1',
    detail: '',
  })
  assert.equal((await put('revision_number=x')).status, 400)
  const { status, body } = await put('revision_number=1')
  assert.deepEqual([status, body['network']!['revision_number']], [200, 2])
})

test('segments: what no driver can wire is refused at once', async () => {
  const create = (network: object) => net.refused(400, 'admin@ops', 'POST', '/networks', { network })
  for (const type of ['gre', 'geneve']) {
    const refusal = await create({ 'provider:network_type': type, 'provider:segmentation_id': 5 })
    assert.match(refusal.message, /no agent can wire it, they can wire flat, local, vlan, vxlan/)
  }
  assert.match((await create({ 'provider:network_type': 'token-ring' })).message, /'token-ring' not supported/)
  assert.match((await create({ 'provider:segmentation_id': 5 })).message, /network_type required/)
  assert.match((await create({ 'provider:network_type': 'flat' })).message, /physical_network required/)
  assert.match(
    (await create({ 'provider:network_type': 'vlan', 'provider:physical_network': 'nowhere' })).message,
    /physical_network 'nowhere' unknown for VLAN provider network/,
  )
})

test('vlan networks: named ones, the next free one of a range, and none when it is used up', async () => {
  const vlan = { 'provider:network_type': 'vlan', 'provider:physical_network': 'phys' }
  const create = (more: object = {}) => net.make('admin@ops', 'POST', '/networks', { network: { ...vlan, ...more } })
  const first = await create()
  assert.equal(first['provider:segmentation_id'], 100)
  assert.equal(first['mtu'], 1500)
  assert.equal((await create({ 'provider:segmentation_id': '7' }))['provider:segmentation_id'], 7)
  const taken = await net.refused(409, 'admin@ops', 'POST', '/networks', {
    network: { ...vlan, 'provider:segmentation_id': 7 },
  })
  assert.equal(taken.type, 'VlanIdInUse')
  await create()
  const none = await net.refused(503, 'admin@ops', 'POST', '/networks', { network: vlan })
  assert.equal(none.type, 'NoNetworkAvailable')
})

test('shared and external networks are seen by others, who may not change them', async () => {
  const shared = await net.make('admin@ops', 'POST', '/networks', { network: { name: 's', shared: true } })
  const external = await net.make('admin@ops', 'POST', '/networks', {
    network: { name: 'e', 'router:external': true, is_default: true },
  })
  for (const { id } of [shared, external]) {
    await net.make('reader@one', 'GET', `/networks/${id}`)
    assert.equal((await net.send('member@one', 'PUT', `/v2.0/networks/${id}`, { network: { name: 'x' } })).status, 403)
    assert.equal((await net.send('member@one', 'DELETE', `/v2.0/networks/${id}`)).status, 403)
  }
  const second = await net.refused(409, 'admin@ops', 'POST', '/networks', {
    network: { 'router:external': true, is_default: true },
  })
  assert.equal(second.type, 'DefaultExternalNetworkExists')
  await net.make('member@one', 'POST', '/ports', { port: { network_id: shared.id } })
  const kept = await net.refused(409, 'admin@ops', 'PUT', `/networks/${shared.id}`, { network: { shared: false } })
  assert.equal(kept.type, 'InvalidSharedSetting')
  const used = await net.refused(409, 'admin@ops', 'DELETE', `/networks/${shared.id}`)
  assert.equal(used.type, 'NetworkInUse')
})

test('availability zones: hints are checked, zones come from agents', async () => {
  const zones = await net.send('reader@one', 'GET', '/v2.0/availability_zones')
  assert.deepEqual(zones.body['availability_zones'], [
    { name: 'nova', resource: 'network', state: 'available' },
    { name: 'nova', resource: 'router', state: 'available' },
  ])
  const made = await net.make('member@one', 'POST', '/networks', { network: { availability_zone_hints: ['nova'] } })
  assert.deepEqual(made['availability_zone_hints'], ['nova'])
  const refusal = await net.refused(404, 'member@one', 'POST', '/networks', {
    network: { availability_zone_hints: ['mars'] },
  })
  assert.equal(refusal.type, 'AvailabilityZoneNotFound')
})
