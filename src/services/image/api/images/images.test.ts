import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startImage, type Shown, type TestImage } from '../../testing/image.ts'

let glance: TestImage
before(async () => {
  glance = await startImage()
})
after(() => glance.stop())

const v21 = { 'content-type': 'application/openstack-images-v2.1-json-patch' }
const patch = (id: string, json: unknown, token = 'admin') =>
  glance.call<Shown>('PATCH', `/images/${id}`, { json, token, headers: v21 })
const list = async (query: string, token = 'admin') =>
  await glance.must<{ images: Shown[]; next?: string; first: string }>('GET', `/images${query}`, { token })

test('a new image is queued, shared, of the caller, and has the links of its parts', async () => {
  const answer = await glance.call<Shown>('POST', '/images', { token: 'alice', json: { name: 'new', color: 'red' } })
  assert.equal(answer.status, 201)
  assert.equal(answer.headers['location'], `http://image.test/v2/images/${answer.body.id}`)
  assert.match(answer.headers['openstack-image-import-methods']!, /glance-direct,web-download/)
  const { id, created_at: _c, updated_at: _u, ...rest } = answer.body
  assert.deepEqual(rest, {
    color: 'red',
    name: 'new',
    status: 'queued',
    visibility: 'shared',
    owner: 'alice',
    disk_format: null,
    container_format: null,
    min_disk: 0,
    min_ram: 0,
    protected: false,
    os_hidden: false,
    size: null,
    virtual_size: null,
    checksum: null,
    os_hash_algo: null,
    os_hash_value: null,
    tags: [],
    self: `/v2/images/${id}`,
    file: `/v2/images/${id}/file`,
    schema: '/v2/schemas/image',
  })
})

test('what a new image may not have is refused with the field in the message', async () => {
  const cases: [Record<string, unknown>, number, RegExp][] = [
    [{ status: 'active' }, 403, /Attribute 'status' is read-only/],
    [{ size: 1 }, 403, /Attribute 'size' is read-only/],
    [{ os_glance_stage_host: 'x' }, 403, /os_glance_stage_host' is reserved/],
    [{ disk_format: 'floppy' }, 400, /disk_format/],
    [{ visibility: 'everyone' }, 400, /visibility/],
    [{ min_ram: -1 }, 400, /min_ram/],
    [{ name: 'x'.repeat(256) }, 400, /name/],
    [{ id: 'nonsense' }, 400, /id/],
    [{ tags: ['x'.repeat(256)] }, 400, /tags/],
    [{ anything: 5 }, 400, /anything/],
    [{ protected: 'yes' }, 400, /protected/],
  ]
  for (const [json, status, message] of cases) {
    const answer = await glance.call('POST', '/images', { json })
    assert.equal(answer.status, status, JSON.stringify(json))
    assert.match(answer.message, message)
  }
})

test('C11: the id of a deleted image is never given again', async () => {
  const { id } = await glance.create()
  await glance.must('DELETE', `/images/${id}`)
  assert.equal((await glance.call('POST', '/images', { json: { id } })).status, 409)
  assert.equal((await glance.call('GET', `/images/${id}`)).status, 404)
})

test('filters: by attribute, list, range, time, tag, property and visibility', async () => {
  const owner = 'filters'
  const make = (attributes: Record<string, unknown>) => glance.create(attributes, owner)
  const a = await make({ name: 'one', min_ram: 10, tags: ['red', 'big'], os_distro: 'debian' })
  const b = await make({ name: 'two, three', min_ram: 20, tags: ['red'], disk_format: 'qcow2' })
  const c = await make({ name: 'four', min_ram: 30, visibility: 'private', os_hidden: true, protected: true })
  await make({ name: 'five', min_ram: 40, visibility: 'private', protected: true })
  const names = async (query: string) => (await list(query, owner)).images.map((image) => image['name']).sort()
  assert.deepEqual(await names('?name=one'), ['one'])
  assert.deepEqual(await names('?name=in:one,"two, three"'), ['one', 'two, three'])
  assert.deepEqual(await names('?name=eq:one'), ['one'])
  assert.deepEqual(await names(`?id=in:${a.id},${b.id}`), ['one', 'two, three'])
  assert.deepEqual(await names('?min_ram_min=20&min_ram_max=30'), ['two, three'])
  assert.deepEqual(await names('?min_ram=10'), ['one'])
  assert.deepEqual(await names('?tag=red&tag=big'), ['one'])
  assert.deepEqual(await names('?os_distro=debian'), ['one'])
  assert.deepEqual(await names('?disk_format=in:qcow2,vmdk'), ['two, three'])
  assert.deepEqual(await names('?os_hidden=true'), ['four'])
  assert.deepEqual(await names('?protected=true'), ['five'])
  assert.deepEqual(await names('?visibility=private'), ['five'])
  assert.deepEqual(await names('?owner=filters&created_at=gte:2020-01-01T00:00:00Z'), ['five', 'one', 'two, three'])
  assert.deepEqual(await names('?created_at=lt:2020-01-01T00:00:00Z'), [])
  assert.deepEqual(await names('?status=active'), [])
  assert.equal(c['os_hidden'], true)
  for (const bad of [
    'visibility=nobody',
    'name=like:x',
    'created_at=gte:yesterday',
    'created_at=around:2020-01-01T00:00:00Z',
    'limit=many',
    'limit=-1',
    'sort_key=color',
    'sort_dir=up',
    'sort=name&sort_key=name',
    'sort_key=name&sort_key=size&sort_dir=asc&sort_dir=desc&sort_dir=asc',
    'member_status=perhaps',
    'min_ram_min=few',
    'protected=maybe',
    'marker=00000000-0000-4000-8000-000000000000',
    'name=in:"open',
    'changes-since=2020-01-01T00:00:00Z',
  ])
    assert.equal((await glance.call('GET', `/images?${bad}`)).status, 400, bad)
})

test('pages follow each other through every order, ties and missing values included', async () => {
  const owner = 'pages'
  const made = []
  for (let n = 0; n < 12; n++)
    made.push(await glance.create({ name: n % 4 === 0 ? null : `n${n % 3}`, min_disk: n % 2 }, owner))
  for (const sort of [
    'sort=name:asc,created_at:desc',
    'sort=name',
    'sort_key=name&sort_dir=asc',
    'sort_key=status&sort_key=size&sort_dir=asc&sort_dir=desc',
    '',
  ]) {
    const all = (await list(`?${sort}&limit=100`, owner)).images.map((image) => image.id)
    assert.equal(all.length, made.length)
    const walked: string[] = []
    let path: string | undefined = `/v2/images?${sort}&limit=5`
    while (path !== undefined) {
      const page: { images: Shown[]; next?: string } = await glance.must('GET', path, { token: owner })
      walked.push(...page.images.map((image) => image.id))
      path = page.next
    }
    assert.deepEqual(walked, all, sort)
  }
  assert.deepEqual((await list('?limit=0', owner)).images, [])
})

test('images of others are not there; public and community ones are as their visibility says', async () => {
  const mine = await glance.create({ name: 'mine' }, 'vis-a')
  const community = await glance.create({ name: 'community', visibility: 'community' }, 'vis-a')
  const open = await glance.create({ name: 'open', visibility: 'public' }, 'admin')
  const seen = async (query: string) => (await list(query, 'vis-b')).images.map((image) => image.id)
  assert.equal((await glance.call('GET', `/images/${mine.id}`, { token: 'vis-b' })).status, 404)
  assert.equal((await glance.call('GET', `/images/${community.id}`, { token: 'vis-b' })).status, 200)
  assert.deepEqual(await seen('?visibility=community'), [community.id])
  assert.deepEqual((await seen('')).includes(community.id), false)
  assert.ok((await seen('')).includes(open.id))
  assert.equal((await glance.call('DELETE', `/images/${open.id}`, { token: 'vis-b' })).status, 403)
  assert.equal((await glance.call('DELETE', `/images/${mine.id}`, { token: 'vis-b' })).status, 404)
  assert.equal((await patch(mine.id, [{ op: 'replace', path: '/visibility', value: 'public' }], 'vis-a')).status, 403)
  const reader = { token: 'vis-a;reader' }
  assert.equal((await glance.call('GET', `/images/${mine.id}`, reader)).status, 200)
  assert.equal((await glance.call('DELETE', `/images/${mine.id}`, reader)).status, 403)
  assert.equal((await glance.call('POST', '/images', { ...reader, json: {} })).status, 403)
  assert.equal((await glance.call('POST', '/images', { token: 'vis-b', json: { owner: 'vis-a' } })).status, 403)
})

test('a patch adds, replaces and removes; all of it or nothing', async () => {
  const { id } = await glance.create({ name: 'patched', color: 'red', shape: 'round' })
  const done = await patch(id, [
    { op: 'replace', path: '/name', value: 'renamed' },
    { op: 'replace', path: '/color', value: 'blue' },
    { op: 'remove', path: '/shape' },
    { op: 'add', path: '/with~1slash', value: 'x' },
    { op: 'add', path: '/tags', value: ['b', 'a', 'a'] },
    { op: 'replace', path: '/protected', value: true },
  ])
  assert.equal(done.status, 200)
  const { name, color, shape, tags, protected: isProtected } = done.body
  assert.deepEqual(
    { name, color, shape, tags, isProtected, slash: done.body['with/slash'] },
    { name: 'renamed', color: 'blue', shape: undefined, tags: ['a', 'b'], isProtected: true, slash: 'x' },
  )
  const failed = await patch(id, [
    { op: 'replace', path: '/name', value: 'lost' },
    { op: 'remove', path: '/shape' },
  ])
  assert.equal(failed.status, 409)
  assert.equal((await glance.must('GET', `/images/${id}`))['name'], 'renamed')
  assert.equal((await glance.call('DELETE', `/images/${id}`)).status, 403)
})

test('a patch that is wrong says what is', async () => {
  const { id } = await glance.create({ name: 'patched', color: 'red' })
  const cases: [unknown, number, RegExp][] = [
    [{ op: 'add' }, 400, /must be a JSON array/],
    [['x'], 400, /must be JSON objects/],
    [[{ path: '/name', value: 'x' }], 400, /Unable to find `op`/],
    [[{ op: 'test', path: '/name', value: 'x' }], 400, /Invalid operation/],
    [[{ op: 'add', value: 'x' }], 400, /Unable to find 'path'/],
    [[{ op: 'add', path: 'name', value: 'x' }], 400, /does not start with/],
    [[{ op: 'add', path: '/name/', value: 'x' }], 400, /end with/],
    [[{ op: 'add', path: '/a~2', value: 'x' }], 400, /escape sequence/],
    [[{ op: 'add', path: '/a/b', value: 'x' }], 400, /Invalid JSON pointer/],
    [[{ op: 'add', path: '/name' }], 400, /requires a member named "value"/],
    [[{ op: 'replace', path: '/status', value: 'active' }], 403, /'status' is read-only/],
    [[{ op: 'replace', path: '/id', value: 'x' }], 403, /read-only/],
    [[{ op: 'remove', path: '/name' }], 403, /may not be removed/],
    [[{ op: 'remove', path: '/absent' }], 409, /does not exist/],
    [[{ op: 'replace', path: '/absent', value: 'x' }], 409, /does not exist/],
    [[{ op: 'add', path: '/deleted', value: 'x' }], 403, /reserved/],
    [[{ op: 'add', path: '/os_glance_import_task', value: 'x' }], 403, /reserved/],
    [[{ op: 'replace', path: '/min_ram', value: 'much' }], 400, /min_ram/],
    [[{ op: 'add', path: '/__proto__', value: 'x' }], 400, /'__proto__', which is not allowed/],
    [[{ op: 'remove', path: '/ __proto__ ' }], 400, /not allowed/],
    [[{ op: 'add', path: `/${'x'.repeat(256)}`, value: 'x' }], 400, /255/],
    [[{ op: 'add', path: '/locations/-', value: { url: 'http://x/', metadata: {} } }], 403, /locations/],
  ]
  for (const [json, status, message] of cases) {
    const answer = await patch(id, json)
    assert.equal(answer.status, status, `${JSON.stringify(json)}: ${answer.message}`)
    assert.match(answer.message, message)
  }
  const other = await glance.call('PATCH', `/images/${id}`, {
    json: [],
    headers: { 'content-type': 'application/json' },
  })
  assert.equal(other.status, 415)
  assert.match(other.headers['accept-patch'] ?? '', /v2\.1-json-patch/)
  assert.equal((await patch(id, [{ op: 'replace', path: '/owner', value: 'alice' }])).status, 200)
  assert.equal((await patch(id, [{ op: 'replace', path: '/owner', value: 'bob' }], 'alice')).status, 403)
})

test('tags come and go one by one, up to the quota', async () => {
  const { id } = await glance.create()
  assert.equal((await glance.call('PUT', `/images/${id}/tags/red`)).status, 204)
  assert.equal((await glance.call('PUT', `/images/${id}/tags/red`)).status, 204)
  assert.deepEqual((await glance.must('GET', `/images/${id}`))['tags'], ['red'])
  assert.equal((await glance.call('DELETE', `/images/${id}/tags/red`)).status, 204)
  assert.equal((await glance.call('DELETE', `/images/${id}/tags/red`)).status, 404)
  const many = Array.from({ length: 128 }, (_each, n) => `t${n}`)
  assert.equal((await patch(id, [{ op: 'replace', path: '/tags', value: many }])).status, 200)
  assert.equal((await glance.call('PUT', `/images/${id}/tags/more`)).status, 413)
})

test('a deactivated image cannot be read by its owner, and can again when it is reactivated', async () => {
  const { id } = await glance.upload('data', {}, 'alice')
  assert.equal((await glance.call('POST', `/images/${id}/actions/deactivate`, { token: 'alice' })).status, 204)
  assert.equal((await glance.call('POST', `/images/${id}/actions/deactivate`, { token: 'alice' })).status, 204)
  assert.equal((await glance.download(id, { token: 'alice' })).status, 403)
  assert.equal((await glance.download(id)).data.toString(), 'data')
  assert.equal((await glance.call('POST', `/images/${id}/actions/reactivate`, { token: 'alice' })).status, 204)
  assert.equal((await glance.download(id, { token: 'alice' })).data.toString(), 'data')
  const queued = await glance.create()
  assert.equal((await glance.call('POST', `/images/${queued.id}/actions/deactivate`)).status, 403)
})

test('an empty id names no image, and a token without a project sees none', async () => {
  assert.equal((await glance.call('GET', '/images/')).status, 404)
  assert.equal((await glance.call('DELETE', '/images/')).status, 404)
  const { id } = await glance.create({ visibility: 'public' })
  assert.equal((await glance.call('GET', `/images/${id}`, { token: 'system;admin' })).status, 404)
  assert.equal((await glance.call('GET', '/images', { token: 'system;admin' })).status, 403)
  assert.equal((await glance.call('POST', '/images', { token: 'system;admin', json: {} })).status, 403)
})
