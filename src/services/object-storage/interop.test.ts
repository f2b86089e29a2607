/** Files and databases that Debian's swift has written are served, and the other way round. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { hashPath } from './model/hash-path.ts'
import { newBuilder, RingBuilder } from './model/ring/builder.ts'
import { writeRing } from './model/ring/ring-data.ts'
import { freePort } from './testing/ports.ts'
import { startSwift } from './testing/swift.ts'

const python = '/usr/bin/python3'
const why = existsSync('/usr/lib/python3/dist-packages/swift/obj/diskfile.py') ? false : 'needs python3-swift'
const mix = { prefix: 'p', suffix: 's' }
const config = { 'swift.conf': '[swift-hash]\nswift_hash_path_prefix = p\nswift_hash_path_suffix = s\n' }
const partOf = (...names: string[]) => String(hashPath(mix, ...names).readUInt32BE() >>> 22)

function upstream(mode: 'read' | 'write', folder: string, object: string): string {
  const parts = [partOf('AUTH_demo', 'c', object), partOf('AUTH_demo', 'c'), partOf('AUTH_demo')]
  const words = [join(import.meta.dirname, 'testing/upstream.py'), mode, join(folder, 'state/devices'), ...parts]
  const done = spawnSync(python, words, { encoding: 'utf8' })
  assert.equal(done.status, 0, done.stderr)
  return done.stdout
}

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-swift-'))
  t.after(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'state/devices/d1'), { recursive: true })
  return folder
}

test(
  'what upstream has written is served: an object with later metadata, its container, its account',
  { skip: why },
  async (t) => {
    const folder = folderOf(t)
    upstream('write', folder, 'täg')
    const swift = await startSwift(config, folder)
    t.after(() => swift.stop())
    const { status, headers, text } = await swift.call('GET', 'c/t%C3%A4g')
    assert.equal(status, 200)
    assert.equal(text, 'from python')
    assert.equal(headers['x-object-meta-shape'], 'round')
    assert.equal(headers['x-object-meta-color'], undefined)
    assert.equal(headers['content-type'], 'text/plain')
    assert.equal((await swift.call('GET', 'c')).text, 'täg\n')
    const container = await swift.call('HEAD', 'c')
    assert.equal(Buffer.from(container.headers['x-container-meta-owner']!, 'latin1').toString(), 'jö')
    assert.equal(container.headers['x-container-bytes-used'], '11')
    assert.equal((await swift.call('GET', '')).text, 'c\n')
  },
)

test('what is written here upstream reads', { skip: why }, async (t) => {
  const folder = folderOf(t)
  const swift = await startSwift(config, folder)
  t.after(() => swift.stop())
  await swift.call('PUT', 'c', { headers: { 'x-container-meta-owner': Buffer.from('jö').toString('latin1') } })
  const body = 'x'.repeat(100_000)
  await swift.call('PUT', 'c/%C3%B6wn', {
    body,
    headers: { 'content-type': 'text/plain', 'x-object-meta-color': 'red' },
  })
  await swift.call('PUT', 'c/other', { body: '' })
  await swift.call('DELETE', 'c/other')
  const found = JSON.parse(upstream('read', folder, 'öwn')) as {
    content: string
    metadata: Record<string, string>
    objects: string[]
    container: Record<string, string>
    counts: number[]
    containers: unknown[][]
    hash: string
  }
  assert.equal(found.content, body)
  assert.equal(found.metadata['X-Object-Meta-Color'], 'red')
  assert.equal(found.metadata['ETag'], createHash('md5').update(body).digest('hex'))
  assert.equal(found.metadata['name'], '/AUTH_demo/c/öwn')
  assert.deepEqual(found.objects, ['öwn'])
  assert.deepEqual(found.counts, [1, 100_000])
  assert.equal(found.container['X-Container-Meta-Owner'], 'jö')
  assert.deepEqual(
    found.containers.map(([name]) => name),
    ['c'],
  )
  assert.notEqual(found.hash, '0'.repeat(32))
})

test('our proxy works before upstream’s storage servers', { skip: why }, async (t) => {
  const folder = folderOf(t)
  const ports = [await freePort(), await freePort(), await freePort()]
  const program = join(import.meta.dirname, 'testing/upstream_servers.py')
  const servers = spawn(python, [program, join(folder, 'state/devices'), ...ports.map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => servers.kill())
  await once(servers.stdout, 'data')
  for (const [at, kind] of ['account', 'container', 'object'].entries()) {
    const builder = new RingBuilder(newBuilder(10, 1, 0))
    builder.add({ region: 1, zone: 1, ip: '127.0.0.1', port: ports[at]!, device: 'd1', weight: 100, meta: '' })
    builder.rebalance('seed')
    writeFileSync(join(folder, `${kind}.ring.gz`), writeRing(builder.ring, `${kind}.ring.gz`))
  }
  const swift = await startSwift(config, folder)
  t.after(() => swift.stop())
  assert.equal((await swift.call('PUT', 'c', { headers: { 'x-container-meta-a': 'b' } })).status, 201)
  const put = await swift.call('PUT', 'c/t%C3%A4g', { body: 'hello', headers: { 'x-object-meta-k': 'v' } })
  assert.deepEqual([put.status, put.headers['etag']], [201, createHash('md5').update('hello').digest('hex')])
  const { status, text, headers } = await swift.call('GET', 'c/t%C3%A4g', { headers: { range: 'bytes=1-3' } })
  assert.deepEqual([status, text, headers['x-object-meta-k']], [206, 'ell', 'v'])
  assert.equal((await swift.call('POST', 'c/t%C3%A4g', { headers: { 'x-object-meta-k': 'w' } })).status, 202)
  assert.equal((await swift.call('GET', 'c')).text, 'täg\n')
  const list = JSON.stringify([{ path: '/c/täg' }, { path: '/c/täg', range: '0-0' }])
  assert.equal((await swift.call('PUT', 'c/slo?multipart-manifest=put', { body: list })).status, 201)
  assert.equal((await swift.call('GET', 'c/slo')).text, 'helloh')
  assert.equal((await swift.call('DELETE', 'c/slo')).status, 204)
  assert.equal((await swift.call('DELETE', 'c')).status, 409)
  assert.equal((await swift.call('GET', 'c/none')).status, 404)
})
