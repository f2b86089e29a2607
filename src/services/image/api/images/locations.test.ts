import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { startImage, type Shown, type TestImage } from '../../testing/image.ts'

const data = randomBytes(5000)
const web = createServer((_request, response) => response.writeHead(200, { 'Content-Length': data.length }).end(data))
let glance: TestImage
let origin: string

before(async () => {
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(web.address() as AddressInfo).port}`
  const fence = '[import_filtering_opts]\nallowed_ports =\nallowed_networks = 127.0.0.1/32\n'
  glance = await startImage({
    config: `[DEFAULT]\nenabled_backends = file:file, web:http\nshow_multiple_locations = true\nshow_image_direct_url = true\nimage_location_quota = 3\n[glance_store]\ndefault_backend = file\n${fence}`,
  })
})
after(async () => {
  await glance.stop()
  web.close()
})

const patch = (id: string, ...json: unknown[]) =>
  glance.call<Shown>('PATCH', `/images/${id}`, {
    json,
    headers: { 'content-type': 'application/openstack-images-v2.1-json-patch' },
  })
const location = (path: string, more: object = {}) => ({ url: origin + path, metadata: {}, ...more })
const urls = (image: Shown) => (image['locations'] as { url: string }[]).map(({ url }) => url.slice(origin.length))

test('locations are added at a place, replaced and removed, and the image follows', async () => {
  const { id } = await glance.create()
  const hash = createHash('sha512').update(data).digest('hex')
  const checks = { checksum: createHash('md5').update(data).digest('hex'), os_hash_algo: 'sha512', os_hash_value: hash }
  const added = await patch(id, { op: 'add', path: '/locations/-', value: location('/a', { validation_data: checks }) })
  assert.equal(added.status, 200, added.message)
  assert.deepEqual([added.body.status, added.body['size'], added.body['os_hash_value']], ['active', data.length, hash])
  assert.equal(added.body['direct_url'], `${origin}/a`)
  assert.ok((await glance.download(id)).data.equals(data))
  assert.deepEqual(urls((await patch(id, { op: 'add', path: '/locations/0', value: location('/b') })).body), [
    '/b',
    '/a',
  ])
  assert.deepEqual(urls((await patch(id, { op: 'add', path: '/locations/1', value: location('/c') })).body), [
    '/b',
    '/c',
    '/a',
  ])
  assert.equal((await patch(id, { op: 'add', path: '/locations/-', value: location('/d') })).status, 413)
  assert.equal((await patch(id, { op: 'add', path: '/locations/-', value: location('/a') })).status, 400)
  assert.deepEqual(urls((await patch(id, { op: 'remove', path: '/locations/0' })).body), ['/c', '/a'])
  assert.equal((await patch(id, { op: 'remove', path: '/locations/7' })).status, 400)
  const replace = (...value: unknown[]) => patch(id, { op: 'replace', path: '/locations', value })
  const turned = await replace({ ...location('/a'), metadata: { speed: 'high' } }, location('/c'))
  assert.deepEqual(urls(turned.body), ['/a', '/c'])
  const [first] = turned.body['locations'] as { metadata: object }[]
  assert.deepEqual(first!.metadata, { speed: 'high', store: 'web' })
  assert.equal((await replace(location('/a'))).status, 400)
  assert.equal((await replace(location('/a'), location('/new'))).status, 400)
  assert.equal((await patch(id, { op: 'remove', path: '/locations/1' })).status, 200)
  assert.equal((await patch(id, { op: 'remove', path: '/locations/0' })).status, 403)
  assert.equal((await patch(id, { op: 'replace', path: '/locations', value: [] })).status, 403)
})

test('C8: no location names a file, an address of this host, or another hash', async () => {
  const { id } = await glance.create()
  for (const url of [
    'file:///etc/passwd',
    'filesystem:///etc/passwd',
    '/etc/passwd',
    'swift+config://x/y',
    'ftp://x/y',
  ])
    assert.equal((await patch(id, { op: 'add', path: '/locations/-', value: { url, metadata: {} } })).status, 400, url)
  const inside = { url: 'http://169.254.169.254/latest', metadata: {} }
  assert.ok((await patch(id, { op: 'add', path: '/locations/-', value: inside })).status >= 400)
  const wrong = { os_hash_algo: 'md5', os_hash_value: 'ab' }
  const value = location('/a', { validation_data: wrong })
  assert.equal((await patch(id, { op: 'add', path: '/locations/-', value })).status, 409)
  assert.equal((await patch(id, { op: 'add', path: '/locations/x', value: location('/a') })).status, 400)
  assert.equal((await glance.must('GET', `/images/${id}`)).status, 'queued')
})
