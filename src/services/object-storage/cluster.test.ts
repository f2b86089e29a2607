/** Three machines with three replicas: a proxy before storage servers that it reaches over HTTP. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { RingBuilder, newBuilder } from './model/ring/builder.ts'
import { writeRing } from './model/ring/ring-data.ts'
import { freePort } from './testing/ports.ts'
import { startSwift, type TestSwift } from './testing/swift.ts'

const kinds = ['account', 'container', 'object'] as const
const folder = mkdtempSync(join(tmpdir(), 'nephos-cluster-'))
const nodes: (TestSwift | undefined)[] = []
const ports: number[][] = []
let proxy: TestSwift

function writeRings(target: string) {
  for (const [at, kind] of kinds.entries()) {
    const builder = new RingBuilder(newBuilder(4, 3, 0))
    for (const [node, own] of ports.entries())
      builder.add({ region: 1, zone: node, ip: '127.0.0.1', port: own[at]!, device: 'd1', weight: 100, meta: '' })
    builder.rebalance('seed')
    writeFileSync(join(target, `${kind}.ring.gz`), writeRing(builder.ring, `${kind}.ring.gz`))
  }
}

const hashes = '[swift-hash]\nswift_hash_path_suffix = s\n'

async function startNode(node: number): Promise<TestSwift> {
  const own = join(folder, `node${node}`)
  mkdirSync(join(own, 'srv/d1'), { recursive: true })
  writeRings(own)
  const server = (at: number) =>
    `[DEFAULT]\nbind_ip = 127.0.0.1\nbind_port = ${ports[node]![at]}\ndevices = ${join(own, 'srv')}\nmount_check = false\n`
  const files = Object.fromEntries(kinds.map((kind, at) => [`${kind}-server.conf`, server(at)]))
  return startSwift({ 'swift.conf': hashes, ...files }, own)
}

before(async () => {
  for (let node = 0; node < 3; node++) ports.push(await Promise.all(kinds.map(freePort)))
  for (let node = 0; node < 3; node++) nodes.push(await startNode(node))
  const own = join(folder, 'proxy')
  mkdirSync(own)
  writeRings(own)
  proxy = await startSwift({ 'swift.conf': hashes }, own)
})
after(async () => {
  await proxy.stop()
  for (const node of nodes) await node?.stop()
  rmSync(folder, { recursive: true })
})

const copiesOf = () =>
  [0, 1, 2].map((node) => {
    const names = readdirSync(join(folder, `node${node}/srv/d1/objects`), { recursive: true, encoding: 'utf8' })
    return names.filter((name) => name.endsWith('.data')).length
  })

test('an object is written to every replica, and read from one', async () => {
  assert.equal((await proxy.call('PUT', 'c', { headers: { 'x-container-meta-a': 'b' } })).status, 201)
  const body = Buffer.alloc(3_000_000, 'replica ')
  assert.equal((await proxy.call('PUT', 'c/o', { body })).status, 201)
  assert.deepEqual(copiesOf(), [1, 1, 1])
  assert.ok((await proxy.call('GET', 'c/o')).body.equals(body))
  assert.equal((await proxy.call('GET', 'c/o', { headers: { range: 'bytes=8-14' } })).text, 'replica')
  assert.equal((await proxy.call('GET', 'c')).text, 'o\n')
  assert.equal((await proxy.call('HEAD', 'c')).headers['x-container-meta-a'], 'b')
})

test('without one machine everything goes on; without two nothing is promised, and what is there is read', async () => {
  await nodes[0]!.stop()
  nodes[0] = undefined
  assert.equal((await proxy.call('PUT', 'c/second', { body: 'two of three' })).status, 201)
  assert.equal((await proxy.call('GET', 'c/second')).text, 'two of three')
  assert.equal((await proxy.call('POST', 'c/second', { headers: { 'x-object-meta-k': 'v' } })).status, 202)
  assert.equal((await proxy.call('PUT', 'other')).status, 201)
  await nodes[1]!.stop()
  nodes[1] = undefined
  assert.equal((await proxy.call('PUT', 'c/third', { body: 'one of three' })).status, 503)
  assert.equal((await proxy.call('PUT', 'another')).status, 503)
  assert.equal((await proxy.call('GET', 'c/second')).text, 'two of three')
  assert.equal((await proxy.call('GET', 'c/none')).status, 503, 'one server cannot say that there is nothing')
})

test('a machine that is back is asked again, and the newest counts where that is wanted', async () => {
  nodes[0] = await startNode(0)
  nodes[1] = await startNode(1)
  assert.equal((await proxy.call('PUT', 'c/second', { body: 'newer' })).status, 201)
  assert.equal((await proxy.call('GET', 'c/second', { headers: { 'x-newest': 'true' } })).text, 'newer')
  assert.equal((await proxy.call('DELETE', 'c/second')).status, 204)
  assert.equal((await proxy.call('GET', 'c/second')).status, 404)
})
