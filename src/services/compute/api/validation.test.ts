/** What nova's schemas take and refuse, at the microversions where that changes. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { rpcClient } from '../../../platform/rpc/contract.ts'
import { conductorContract } from '../rpc/conductor.ts'
import { adminProject, eventually, FakeAgent, p1, p2, TestCloud, type Tree } from '../testing/cloud.ts'
import { imageId } from '../testing/fakes.ts'
import { refusal, text } from '../testing/stories.ts'

const cloud = new TestCloud()
let id = ''
const admin = (method: string, path: string, json?: unknown, version?: string) =>
  cloud.call('admin', method, path, json, version)
const demo = (method: string, path: string, json?: unknown, version?: string) =>
  cloud.call('demo', method, path, json, version)
const status = async (answer: Promise<{ status: number }>) => (await answer).status
const base = { name: 'x', imageRef: imageId, flavorRef: '1' }
/** `networks` is what every version from 2.37 on insists on. */
const create = (more: object, version = '2.96', who = demo) =>
  who(
    'POST',
    '/servers',
    { server: { ...base, ...(Number(version.slice(2)) >= 37 && { networks: 'none' }), ...more } },
    version,
  )

before(async () => {
  await cloud.start()
  await new FakeAgent(cloud.bus, 'h1').heartbeat()
  await admin('POST', '/flavors', { flavor: { name: 'f', id: '1', ram: 64, vcpus: 1, disk: 1 } })
  await admin('PUT', `/os-quota-sets/${p1}`, { quota_set: { instances: -1, cores: -1, ram: -1 } })
  id = text((await create({ name: 'first', config_drive: true })).body['server']!['id'])
  const isActive = async () => text((await demo('GET', `/servers/${id}`)).body['server']!['status']) === 'ACTIVE'
  await eventually(isActive, 'ACTIVE')
})
after(() => cloud.stop())

test('D13: names are printable: no blanks around them, nothing that ends a line', async () => {
  for (const name of [
    ' x',
    'x ',
    '\t',
    'a\nb',
    'a\u2028b',
    'a\u2029',
    'a\u0000',
    'a\u0085b',
    '',
    'x'.repeat(256),
    '\u{1f600}',
  ]) {
    const said = JSON.stringify(name)
    assert.equal(await status(create({ name })), 400, said)
    assert.equal(await status(demo('PUT', `/servers/${id}`, { server: { name } })), 400, said)
    assert.equal(
      await status(demo('POST', '/os-server-groups', { server_group: { name, policy: 'affinity' } })),
      400,
      said,
    )
    assert.equal(await status(admin('POST', '/os-aggregates', { aggregate: { name } })), 400, said)
    assert.equal(await status(admin('POST', '/flavors', { flavor: { name, ram: 1, vcpus: 1, disk: 1 } })), 400, said)
    assert.equal(await status(demo('POST', '/os-keypairs', { keypair: { name, public_key: 'k' } })), 400, said)
  }
  assert.equal(await status(create({ name: 'grüße 東京 a b' })), 202)
  const said = refusal(await create({ name: ' x' }), 400)
  assert.match(said, /'server\/name'.*printable characters. Can not start or end with whitespace/)
  for (const description of ['a\nb', 'a\u2028b'])
    assert.equal(await status(create({ description })), 400, JSON.stringify(description))
})

test('booleans come in nova’s words, and in no others', async () => {
  for (const config_drive of [true, 'True', 'TRUE', '1', 'ON', 'On', 'Yes', 'yes', 'False', 'no', 'Off', '0', false])
    assert.equal(await status(create({ config_drive })), 202, String(config_drive))
  for (const config_drive of ['t', 'y', 'f', '', 'tRue', 2, null])
    assert.equal(await status(create({ config_drive })), 400, String(config_drive))
  assert.equal((await create({ return_reservation_id: 'True' })).body['reservation_id'] !== undefined, true)
})

test('personality is taken until 2.56, within its limits, and gets onto the config drive', async () => {
  const file = { path: '/etc/motd', contents: Buffer.from('hello').toString('base64') }
  assert.equal(await status(create({ personality: [] }, '2.1')), 202)
  assert.equal(await status(create({ personality: [file] }, '2.56')), 202)
  assert.equal(await status(create({ personality: [file] }, '2.57')), 400)
  assert.match(refusal(await create({ personality: Array.from({ length: 6 }, () => file) }, '2.56'), 403), /file limit/)
  const large = { ...file, contents: Buffer.alloc(9000).toString('base64') }
  assert.match(refusal(await create({ personality: [large] }, '2.56'), 403), /content exceeds maximum 10240/)
  const long = { ...file, path: 'x'.repeat(256) }
  assert.match(refusal(await create({ personality: [long] }, '2.56'), 403), /path exceeds maximum 255/)

  const made = text((await create({ personality: [file], config_drive: true }, '2.56')).body['server']!['id'])
  const isActive = async () => text((await demo('GET', `/servers/${made}`)).body['server']!['status']) === 'ACTIVE'
  await eventually(isActive, 'ACTIVE')
  const host = rpcClient(cloud.bus.forHost('h1'), conductorContract)
  const [pulled] = (await host.pullServers(null, { host: 'h1', ids: [made] })).servers
  const drive = pulled!.configDrive!
  const contentOf = (path: string) => Buffer.from(drive.contents[drive.files[path]!]!, 'base64').toString()
  assert.equal(contentOf('openstack/content/0000'), 'hello')
  const metadata = JSON.parse(contentOf('openstack/latest/meta_data.json')) as Tree
  assert.deepEqual(metadata['files'], [{ path: '/etc/motd', content_path: '/content/0000' }])
})

test('parts of a server by microversion', async () => {
  const device = { boot_index: 0, uuid: imageId, source_type: 'image', destination_type: 'local' }
  const tagged = { imageRef: '', block_device_mapping_v2: [{ ...device, tag: 'root' }] }
  const cases: [object, string, number][] = [
    [tagged, '2.31', 400],
    [tagged, '2.32', 202],
    [tagged, '2.33', 400],
    [tagged, '2.41', 400],
    [tagged, '2.42', 202],
    [{ imageRef: '', block_device_mapping_v2: [{ ...device, volume_type: null }] }, '2.66', 400],
    [{ imageRef: '', block_device_mapping_v2: [{ ...device, volume_type: null }] }, '2.67', 202],
    [{ trusted_image_certificates: null }, '2.62', 400],
    [{ trusted_image_certificates: null }, '2.63', 202],
    [{ hostname: 'a' }, '2.93', 400],
    [{ hostname: 'a' }, '2.94', 202],
    [{ hostname: '-a_.b-' }, '2.94', 202],
    [{ tags: ['a', 'a'] }, '2.52', 202],
    [{ adminPass: 'x'.repeat(300) }, '2.96', 202],
    [{ security_groups: [{}] }, '2.96', 202],
    [{ imageRef: `http://image/${imageId}` }, '2.1', 400],
    [{ min_count: '0' }, '2.96', 400],
    [{ min_count: '2', max_count: 2 }, '2.96', 202],
  ]
  for (const [more, version, expected] of cases)
    assert.equal(await status(create(more, version)), expected, `${version} ${JSON.stringify(more)}`)
  const hinted = (hints: object) =>
    demo('POST', '/servers', { server: { ...base, networks: 'none' }, 'os:scheduler_hints': hints })
  for (const hints of [{ cidr: '10.0.0.0/8' }, { build_near_host_ip: 'x' }, { query: 1 }, { target_cell: ' ' }])
    assert.equal(await status(hinted(hints)), 400, JSON.stringify(hints))
  for (const hints of [{ same_host: 'no uuid' }, { cidr: '/24' }, { query: '[">=",1,2]' }, { own: true }])
    assert.equal(await status(hinted(hints)), 202, JSON.stringify(hints))
})

test('unknown query parameters are refused since 2.75', async () => {
  for (const path of [
    '/servers',
    '/servers/detail',
    '/flavors',
    '/flavors/detail',
    '/limits',
    '/os-keypairs',
    '/os-services',
  ])
    for (const [version, expected] of [
      ['2.74', 200],
      ['2.75', 400],
    ] as const)
      assert.equal(await status(admin('GET', `${path}?foo=bar`, undefined, version)), expected, `${path} ${version}`)
  for (const path of ['/os-server-groups', `/os-quota-sets/${p1}`, `/os-quota-sets/${p1}/detail`])
    assert.match(refusal(await admin('GET', `${path}?foo=bar`), 400), /'foo' was unexpected/)
  assert.equal(await status(admin('GET', '/os-hypervisors?foo=1', undefined, '2.52')), 200)
  assert.equal(await status(admin('GET', '/os-hypervisors?foo=1', undefined, '2.53')), 400)
  assert.equal(await status(demo('GET', `/servers/${id}/os-instance-actions?foo=1`, undefined, '2.57')), 200)
  assert.equal(await status(demo('GET', `/servers/${id}/os-instance-actions?foo=1`, undefined, '2.58')), 400)
})

test('values of query parameters', async () => {
  const refused = [
    'all_tenants=foo',
    'locked=foo',
    'name=',
    'name=[',
    'name=(a',
    'ip=*',
    'sort_dir=foo',
    'limit=x',
    'limit=-1',
    'sort_key=nope',
  ]
  for (const query of [...refused, '_x=1', 'metadata=1', 'changes-since=x', 'name=(?=a)'])
    assert.equal(await status(admin('GET', `/servers?${query}`)), 400, query)
  assert.equal(await status(demo('GET', '/servers?status=deleted')), 403)
  assert.equal(await status(admin('GET', '/servers?status=deleted')), 200)
  for (const query of [
    'sort_key=locked',
    'sort_key=progress',
    'sort_key=root_device_name',
    'sort_key=kernel_id',
    'metadata=1',
  ])
    assert.equal(await status(demo('GET', `/servers?${query}`)), 200, query)
  assert.equal(await status(demo('GET', '/servers?sort_key=vcpus', undefined, '2.74')), 200)
  assert.equal(await status(demo('GET', '/servers?sort_key=vcpus', undefined, '2.75')), 400)
  for (const query of ['offset=abc', 'limit=abc'])
    assert.equal(await status(demo('GET', `/os-server-groups?${query}`)), 400, query)
  assert.equal(await status(admin('GET', '/os-hypervisors?with_servers=abc')), 400)
  assert.equal(await status(admin('GET', '/os-hypervisors/1')), 400)
})

test('limit=0 is an empty page', async () => {
  for (const [path, key] of [
    ['/servers', 'servers'],
    ['/flavors', 'flavors'],
    ['/os-keypairs', 'keypairs'],
    ['/os-hypervisors', 'hypervisors'],
    [`/servers/${id}/os-instance-actions`, 'instanceActions'],
  ] as const)
    assert.deepEqual((await admin('GET', `${path}?limit=0`)).body[key], [], path)
})

test('names are found by regular expressions, in either case, across pages of any size', async () => {
  for (const name of ['sw1', 'sw2', 'other', 's-long-1']) await create({ name })
  const found = async (query: string, who = demo, version?: string) => {
    const { body } = await who('GET', `/servers?${query}&sort_key=display_name&sort_dir=asc`, undefined, version)
    return (body['servers'] as unknown as { name: string }[]).map(({ name }) => name)
  }
  const name = (pattern: string) => found(`name=${encodeURIComponent(pattern)}`)
  assert.deepEqual(await name('s.*1'), ['s-long-1', 'sw1'])
  assert.deepEqual(await name('^sw.$'), ['sw1', 'sw2'])
  assert.deepEqual(await name('(SW1|xx)'), ['sw1'])
  assert.deepEqual(await name('^[no]+t'), ['other'])
  assert.deepEqual(await found('name=^s&limit=1'), ['s-long-1'])
  assert.deepEqual(await found('config_drive=True&name=irst'), ['first'])
  assert.deepEqual(await found('config_drive=False&name=irst'), [], 'what is not there is an empty text')
  assert.deepEqual(
    await found('config_drive=False&name=irst', demo, '2.74'),
    ['first'],
    'members may not filter so yet',
  )
  assert.deepEqual(await found('created_at=^1999&name=irst'), [])
})

test('keypair names', async () => {
  const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHdSdGl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5 me'
  const made = (name: string, version: string) =>
    status(demo('POST', '/os-keypairs', { keypair: { name, public_key: key } }, version))
  for (const name of ['a#b', 'a/b', 'é', ' x ', 'a\u2028'])
    for (const version of ['2.1', '2.91', '2.92']) assert.equal(await made(name, version), 400, `${name} ${version}`)
  assert.equal(await made('user@host.x', '2.91'), 400)
  assert.equal(await made('user@host.x', '2.92'), 201)
  assert.equal(await made('a_b c-1', '2.1'), 200)
})

test('extra specs are looked at since 2.86', async () => {
  const put = (specs: object, version?: string) =>
    status(admin('POST', '/flavors/1/os-extra_specs', { extra_specs: specs }, version))
  const wrong = [
    { 'hw:cpu_policy': 'bogus' },
    { 'hw:nosuch': '1' },
    { 'hw:numa_nodes': '0' },
    { 'hw:mem_page_size': 'LARGE' },
    { 'hw:boot_menu': 'maybe' },
    { 'quota:cpu_limit': '-1' },
    { 'resources:VCPU': 'x' },
    { 'trait:CUSTOM_A': 'maybe' },
    { 'trait:NO_SUCH': 'required' },
    { group_policy: 'x' },
    { 'hw:pmem': `${'a'.repeat(200)}!` },
  ]
  for (const specs of wrong) {
    assert.equal(await put(specs, '2.85'), 200, JSON.stringify(specs))
    assert.equal(await put(specs, '2.86'), 400, JSON.stringify(specs))
  }
  for (const specs of [
    { 'hw:cpu_policy': 'shared', mine: 'x', 'own:thing': 'y' },
    { 'hw:numa_cpus.0': '0-3,^2' },
    { 'resources1:CUSTOM_A': 1 },
  ])
    assert.equal(await put(specs), 200, JSON.stringify(specs))
  assert.equal(await status(admin('PUT', '/flavors/1/os-extra_specs/hw:cpu_policy', { 'hw:cpu_policy': 'x' })), 400)
})

test('projects that keystone does not know have no quotas and no access to flavors', async () => {
  const message = /Project ID nosuch is not a valid project\./
  for (const path of ['', '/detail', '/defaults'])
    assert.match(refusal(await admin('GET', `/os-quota-sets/nosuch${path}`), 400), message)
  assert.match(refusal(await admin('PUT', '/os-quota-sets/nosuch', { quota_set: { cores: 1 } }), 400), message)
  await admin('POST', '/flavors', {
    flavor: { name: 'p', id: 'p', ram: 1, vcpus: 1, disk: 0, 'os-flavor-access:is_public': false },
  })
  assert.deepEqual(
    (await admin('GET', '/flavors/p/os-flavor-access')).body,
    { flavor_access: [] },
    'nobody until added',
  )
  for (const action of ['addTenantAccess', 'removeTenantAccess'])
    assert.match(refusal(await admin('POST', '/flavors/p/action', { [action]: { tenant: 'nosuch' } }), 400), message)
  const { hasProject } = cloud.identity
  cloud.identity.hasProject = () => Promise.reject(new Error('keystone is away'))
  assert.equal(await status(admin('GET', '/os-quota-sets/nosuch')), 200, 'without keystone everything goes on')
  cloud.identity.hasProject = hasProject
})

test('quota sets and aggregates', async () => {
  const set = (quota_set: object, version?: string) =>
    status(admin('PUT', `/os-quota-sets/${p2}`, { quota_set }, version))
  for (const quota_set of [
    { force: 'x' },
    { tenant_id: p2 },
    { cores: -2 },
    { cores: '-2' },
    { cores: 2 ** 31 },
    { cores: '9'.repeat(11) },
  ])
    assert.equal(await set(quota_set), 400, JSON.stringify(quota_set))
  assert.equal(await set({ cores: '7', force: 'True' }), 200)
  assert.equal(await set({ fixed_ips: 1 }, '2.35'), 200)
  assert.equal(await set({ fixed_ips: 1 }, '2.36'), 400)
  const zoned = (availability_zone: unknown) =>
    admin('POST', '/os-aggregates', {
      aggregate: { name: `a${String(availability_zone)}`.replace(':', ''), availability_zone },
    })
  assert.equal(await status(zoned('a:b')), 400)
  const made = await zoned('zone')
  const put = admin('PUT', `/os-aggregates/${text(made.body['aggregate']!['id'])}`, {
    aggregate: { availability_zone: null },
  })
  assert.equal((await put).body['aggregate']!['availability_zone'], null)
})

test('actions', async () => {
  const act = (body: object, version?: string, who = demo) =>
    status(who('POST', `/servers/${id}/action`, body, version))
  for (const lock of [{}, 'x', 1, null]) assert.equal(await act({ lock }, '2.72'), 202, JSON.stringify(lock))
  for (const lock of [{ foo: 1 }, 'x', { locked_reason: '' }]) assert.equal(await act({ lock }, '2.73'), 400)
  assert.equal(await act({ lock: {} }, '2.73'), 202)
  assert.equal(await act({ unlock: null }), 202)
  assert.equal(await act({ 'os-getConsoleOutput': { length: 5, foo: 1 } }), 400)
  assert.equal(await act({ 'os-getConsoleOutput': { length: '-2' } }), 400)
  const mks = { remote_console: { protocol: 'mks', type: 'webmks' } }
  assert.match(refusal(await demo('POST', `/servers/${id}/remote-consoles`, mks, '2.7'), 400), /not one of/)
  const absent = '00000000-0000-4000-8000-000000000000'
  assert.equal(await status(demo('POST', `/servers/${absent}/action`, { reboot: { type: 'x' } })), 400)
  assert.equal(await status(demo('POST', `/servers/${absent}/action`, { reboot: { type: 'HARD' } })), 404)
})

test('events by microversion', async () => {
  const tell = (name: string, version: string) =>
    status(admin('POST', '/os-server-external-events', { events: [{ name, server_uuid: id, tag: 'x' }] }, version))
  const since: [string, string, string][] = [
    ['volume-extended', '2.50', '2.51'],
    ['power-update', '2.75', '2.76'],
    ['accelerator-request-bound', '2.81', '2.82'],
    ['volume-reimaged', '2.92', '2.93'],
  ]
  for (const [name, early, first] of since)
    assert.deepEqual([await tell(name, early), await tell(name, first)], [400, 200], name)
})

test('the URL: own projects only, versions without leading zeroes, the oldest endpoint', async () => {
  assert.match(refusal(await admin('GET', `/${p1}/servers`), 400), /Malformed request URL: URL's project_id/)
  assert.equal(await status(admin('GET', `/${adminProject}/servers`)), 200)
  assert.equal(await status(demo('GET', '/servers', undefined, '2.01')), 400)
  assert.equal(await status(demo('GET', '/servers', undefined, '2.999')), 406)
  const raw = (url: string) =>
    cloud.service.apps['compute']!.dispatch({
      method: 'GET',
      url,
      headers: { 'x-auth-token': 'demo', 'openstack-api-version': 'compute 2.96' },
    })
  const versions = (await raw('/')).body as { versions: { id: string }[] }
  assert.deepEqual(
    versions.versions.map((each) => each.id),
    ['v2.0', 'v2.1'],
  )
  for (const url of ['/v2', '/v2/'])
    assert.match(JSON.stringify((await raw(url)).body), /"id":"v2.0","status":"SUPPORTED"/)
  const server = JSON.parse(JSON.stringify((await raw(`/v2/${p1}/servers/${id}`)).body)) as Tree
  assert.equal(server['server']!['description'], undefined, 'below /v2 every server is as at 2.1')
})

test('PUT /servers answers a short server until 2.75, keeps diskConfig and writes addresses in one way', async () => {
  const put = async (server: object, version: string) =>
    (await demo('PUT', `/servers/${id}`, { server }, version)).body['server']!
  const short = await put(
    { accessIPv6: '0000:0000:0000:0000:0000:babe:220.12.22.2', 'OS-DCF:diskConfig': 'AUTO' },
    '2.74',
  )
  for (const key of [
    'config_drive',
    'key_name',
    'security_groups',
    'os-extended-volumes:volumes_attached',
    'OS-EXT-STS:vm_state',
    'OS-SRV-USG:launched_at',
  ])
    assert.ok(!(key in short), key)
  assert.equal(short['accessIPv6'], '::babe:dc0c:1602')
  assert.equal(short['OS-DCF:diskConfig'], 'AUTO')
  const whole = await put({ 'OS-DCF:diskConfig': 'MANUAL' }, '2.75')
  assert.ok('config_drive' in whole && 'key_name' in whole)
  assert.equal(whole['OS-DCF:diskConfig'], 'MANUAL')
  assert.equal(await status(demo('PUT', `/servers/${id}`, { server: { accessIPv4: '' } })), 400)
  const made = await create({ 'OS-DCF:diskConfig': 'AUTO' })
  assert.equal(text(made.body['server']!['OS-DCF:diskConfig']), 'AUTO')
  assert.equal(text((await create({})).body['server']!['OS-DCF:diskConfig']), 'MANUAL')
})

test('limits tell what there is by microversion', async () => {
  const keys = async (version: string) =>
    Object.keys((await demo('GET', '/limits', undefined, version)).body['limits']!['absolute']!)
  assert.ok((await keys('2.38')).includes('maxImageMeta'))
  assert.ok(!(await keys('2.39')).includes('maxImageMeta'))
  assert.ok((await keys('2.56')).includes('maxPersonality'))
})

test('a server has no volumes, and the proxies of networks are gone', async () => {
  assert.deepEqual((await demo('GET', `/servers/${id}/os-volume_attachments`)).body, { volumeAttachments: [] })
  assert.equal(await status(demo('GET', `/servers/${id}/os-volume_attachments/${imageId}`)), 404)
  assert.equal(await status(cloud.call('other', 'GET', `/servers/${id}/os-volume_attachments`)), 404)
  for (const path of ['/os-networks', '/os-tenant-networks']) assert.equal(await status(demo('GET', path)), 404)
  assert.equal(await status(demo('DELETE', '/os-security-groups', undefined, '2.35')), 404)
})
