/** Rules of the security checklist that have no better place: hostile archives and disks, bounds, hostile strings. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { big, qcow2 } from '../../base/disk-formats/fixtures.ts'
import type { Route } from '../../platform/http/route.ts'
import { routes } from './api/routes.ts'
import { startImage, type Shown, type TestImage } from './testing/image.ts'

const cap = 20_000_000
let glance: TestImage
let folder: string

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'nephos-hostile-'))
  glance = await startImage({
    config: `[DEFAULT]\nimage_size_cap = ${cap}\nimage_property_quota = 5\nimage_tag_quota = 5\nimage_member_quota = 5\n[image_import_opts]\nimage_import_plugins = image_decompression, image_conversion\n[image_conversion]\noutput_format = qcow2\n`,
  })
})
after(async () => {
  await glance.stop()
  rmSync(folder, { recursive: true })
})

async function importOf(data: Buffer, attributes: Record<string, unknown> = {}): Promise<Shown & { why: string }> {
  const { id } = await glance.create(attributes)
  await glance.must('PUT', `/images/${id}/stage`, { data })
  await glance.must('POST', `/images/${id}/import`, { json: { method: { name: 'glance-direct' } } })
  const image = await glance.until(
    id,
    (each) => each['os_glance_import_task'] === undefined && each.status !== 'importing',
  )
  const { tasks } = await glance.must<{ tasks: { message: string }[] }>('GET', `/images/${id}/tasks`)
  return { ...image, why: tasks[0]!.message }
}

const leftovers = () => [
  ...readdirSync(join(glance.stateDir, 'staging')),
  ...readdirSync(join(glance.stateDir, 'images')),
]

test('C4: an archive that unpacks to more than the largest image is refused, and leaves nothing', async () => {
  const packed = await importOf(gzipSync(Buffer.alloc(cap + 1)))
  assert.equal(packed.status, 'queued')
  const file = join(folder, 'bomb')
  const program =
    "import zipfile, sys\nz = zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED)\nz.writestr('disk', b'\\0' * int(sys.argv[2]))\n"
  execFileSync('python3', ['-c', program, file, String(cap + 1)])
  assert.equal((await importOf(readFileSync(file))).status, 'queued')
  assert.deepEqual(leftovers(), [])
})

test('C8: an archive with a path in its names writes nowhere else', async () => {
  const file = join(folder, 'paths')
  const program =
    "import zipfile, sys\nz = zipfile.ZipFile(sys.argv[1], 'w')\nz.writestr('../../../escaped', b'data')\n"
  execFileSync('python3', ['-c', program, file])
  const image = await importOf(readFileSync(file))
  assert.equal(image.status, 'active')
  assert.equal(readdirSync(glance.stateDir).includes('escaped'), false)
  await glance.must('DELETE', `/images/${image.id}`)
})

test('C1, C3: what lies about its format or names other files never reaches qemu-img', async () => {
  const secret = join(folder, 'secret')
  writeFileSync(secret, 'TOP-SECRET'.repeat(1000))
  const backing = join(folder, 'backing.qcow2')
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', secret, '-F', 'raw', backing, '1M'])
  for (const format of ['qcow2', 'raw', 'vmdk']) {
    const image = await importOf(readFileSync(backing), { disk_format: format })
    assert.deepEqual([image.status, image.stores], ['queued', undefined], format)
  }
  const dataFile = join(folder, 'outside.qcow2')
  const options = `data_file=${join(folder, 'outside.raw')},data_file_raw=on`
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-o', options, dataFile, '1M'])
  assert.equal((await importOf(readFileSync(dataFile), { disk_format: 'qcow2' })).status, 'queued')
  assert.deepEqual(leftovers(), [])
})

test('C5: a small file that claims a disk of 8 EiB is refused', async () => {
  const huge = Buffer.from(qcow2([24, big(8, 2n ** 63n - 512n)]))
  const image = await importOf(huge, { disk_format: 'qcow2' })
  assert.equal(image.status, 'queued', image.why)
})

test('B12: properties, tags, members and names have a bound', async () => {
  const { id } = await glance.create({}, 'alice')
  const patch = (name: string) =>
    glance.call('PATCH', `/images/${id}`, {
      token: 'alice',
      json: [{ op: 'add', path: `/${name}`, value: 'x' }],
      headers: { 'content-type': 'application/openstack-images-v2.1-json-patch' },
    })
  const loops: ((n: number) => Promise<{ status: number }>)[] = [
    (n) => patch(`property-${n}`),
    (n) => glance.call('PUT', `/images/${id}/tags/t${n}`, { token: 'alice' }),
    (n) => glance.call('POST', `/images/${id}/members`, { token: 'alice', json: { member: `m${n}` } }),
  ]
  for (const loop of loops) {
    const statuses = []
    for (let n = 0; n < 7; n++) statuses.push((await loop(n)).status)
    assert.deepEqual(statuses.slice(5), [413, 413])
    assert.ok(statuses.slice(0, 5).every((status) => status < 300))
  }
  const wide = Object.fromEntries(Array.from({ length: 6 }, (_each, n) => [`p${n}`, 'x']))
  assert.equal((await glance.call('POST', '/images', { json: wide })).status, 413)
})

const hostile = [
  'a\nb',
  'a\r\nX-Injected: yes',
  'a\0b',
  '\'"`;,$(id)',
  '-rf',
  '../../etc/passwd',
  '__proto__',
  '<script>alert(1)</script>',
  '\u{1F600}',
  '\uD800',
  'x'.repeat(65_536),
  '%00',
  '',
]
const shapes: unknown[] = [null, true, -1, 1e308, [], {}, [[]], [null], { constructor: 1 }, ...hostile]

/** A body with one member, or one of its members, replaced. */
function* mutations(body: unknown): Generator<unknown> {
  yield* shapes
  if (typeof body !== 'object' || body === null) return
  for (const [key, value] of Object.entries(body))
    for (const inner of mutations(value)) {
      if (Array.isArray(body)) yield body.map((each: unknown, at) => (String(at) === key ? inner : each))
      else yield { ...body, [key]: inner }
    }
}

const bodies: Readonly<Record<string, unknown>> = {
  'POST /images': { name: 'x', tags: ['t'], min_disk: 1, color: 'red', id: '', owner: 'admin', visibility: 'shared' },
  'PATCH /images/:id': [{ op: 'replace', path: '/name', value: 'x' }],
  'POST /images/:id/import': { method: { name: 'web-download', uri: 'http://192.0.2.1/' }, stores: ['file'] },
  'POST /images/:id/locations': {
    url: 'http://192.0.2.1/',
    validation_data: { os_hash_algo: 'sha512', os_hash_value: 'ab' },
  },
  'POST /images/:id/members': { member: 'x' },
  'PUT /images/:id/members/:member_id': { status: 'accepted' },
  'POST /tasks': {
    type: 'import',
    input: { import_from: 'x', import_from_format: 'raw', image_properties: { name: 'x' } },
  },
  'POST /metadefs/namespaces': {
    namespace: 'x',
    properties: { p: { title: 'P', type: 'string', enum: ['a'] } },
    objects: [{ name: 'o', required: ['p'], properties: {} }],
    tags: [{ name: 't' }],
    resource_type_associations: [{ name: 'r', prefix: 'p' }],
  },
}

test('H4, H8: no body, name or query of a strange shape makes an error of the service', async (context) => {
  const { id } = await glance.create()
  await glance.must('POST', `/images/${id}/members`, { json: { member: 'admin' } })
  let count = 0
  const look = async (
    method: string,
    path: string,
    options: { json?: unknown; headers?: Record<string, string> } = {},
  ) => {
    count++
    const answer = await glance.call(method, path, options)
    assert.ok(answer.status < 500, `${method} ${path} ${JSON.stringify(options.json)}: ${answer.status}`)
    assert.equal(answer.headers['x-injected'], undefined)
    for (const value of Object.values(answer.headers)) assert.doesNotMatch(value, /[\r\n\0]/)
    if (typeof answer.body === 'string') assert.ok(!(answer.body as string).includes('<script>'))
  }
  for (const [key, body] of Object.entries(bodies)) {
    const [method = '', path = ''] = key.split(' ')
    const url = path.replace(':id', id).replace(':member_id', 'admin')
    const headers: Record<string, string> =
      method === 'PATCH' ? { 'content-type': 'application/openstack-images-v2.1-json-patch' } : {}
    for (const json of mutations(body)) if (json !== undefined) await look(method, url, { json, headers })
  }
  for (const route of routes as readonly Route<never>[]) {
    const isSafe = route.method === 'GET' || route.method === 'DELETE'
    for (const text of isSafe ? hostile.slice(0, -3) : []) {
      const word = encodeURIComponent(text.toWellFormed())
      if (/:/.test(route.path)) await look(route.method, route.path.replaceAll(/:\w+/g, word))
    }
  }
  const names = [
    'name',
    'marker',
    'limit',
    'sort',
    'sort_key',
    'created_at',
    'id',
    'tag',
    'size_min',
    'os_hidden',
    '__proto__',
  ]
  for (const list of ['/images', '/tasks', '/metadefs/namespaces'])
    for (const name of names)
      for (const text of [...hostile.slice(0, -3), '', 'in:"', 'in:,,', 'gte:', '9'.repeat(400), '-0'])
        await look('GET', `${list}?${name}=${encodeURIComponent(text.toWellFormed())}`)
  context.diagnostic(`${count} requests`)
})
