/** What every store promises, and what is each one's own. */
import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { FenceRules } from '../../../platform/http/fence.ts'
import { startFakeSwift, type FakeSwift } from '../testing/fake-swift.ts'
import { fill, storeSuite, type Subject } from '../testing/store-suite.ts'
import { FileStore } from './file.ts'
import { HttpStore } from './http.ts'
import { DataNotFound, StoreFull, StoreReadOnly, StoreUnavailable } from './store.ts'
import { SwiftStore } from './swift.ts'

const subjects: Record<string, () => Promise<Subject>> = {
  file: () => {
    const folder = mkdtempSync(join(tmpdir(), 'nephos-store-'))
    return Promise.resolve({
      store: new FileStore({ id: 'file', folder }),
      kept: () => readdirSync(folder),
      close: () => rmSync(folder, { recursive: true }),
    })
  },
  swift: async () => {
    const swift = await startFakeSwift()
    return { store: swiftStore(swift), kept: () => [...swift.objects.keys()], close: () => swift.close() }
  },
}

const swiftStore = (swift: FakeSwift, createContainer = true) =>
  new SwiftStore({
    id: 'swift',
    account: {
      authAddress: swift.authAddress,
      user: 'service:glance',
      key: 'secret',
      userDomainId: 'default',
      projectDomainId: 'default',
      region: 'RegionOne',
      endpoint: '',
    },
    container: 'glance',
    createContainer,
    segmentSize: 100_000,
  })

for (const [name, open] of Object.entries(subjects)) storeSuite(name, open)

test('C17: files are readable by their owner only', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-store-'))
  const imageId = randomUUID()
  const writer = await new FileStore({ id: 'file', folder: join(folder, 'images') }).begin(imageId)
  await fill(writer, Buffer.from('x'))
  await writer.finish()
  assert.equal(statSync(join(folder, 'images', imageId)).mode & 0o777, 0o600)
  assert.equal(statSync(join(folder, 'images')).mode & 0o777, 0o700)
  chmodSync(folder, 0o700)
  rmSync(folder, { recursive: true })
})

test('swift: an expired token, a full store, a store that fails, a container that is not there', async (t) => {
  const swift = await startFakeSwift()
  t.after(() => swift.close())
  const strict = swiftStore(swift, false)
  await assert.rejects(strict.begin(randomUUID()), StoreUnavailable)
  const store = swiftStore(swift)
  const imageId = randomUUID()
  const writer = await store.begin(imageId)
  swift.failNext('PUT', 507)
  await assert.rejects(fill(writer, randomBytes(250_000)), StoreFull)
  await writer.abort()
  assert.equal(swift.objects.size, 0)
  const again = await store.begin(imageId)
  await fill(again, Buffer.from('data'))
  await again.finish()
  swift.expireTokens()
  assert.equal(await store.size({ imageId }), 4)
  swift.failNext('GET', 503)
  await assert.rejects(store.read({ imageId }), StoreUnavailable)
})

test('http: read only, ranges, absence, and only through the fence', async (t) => {
  const data = randomBytes(1000)
  const server = createServer((request, response) => {
    if (request.url !== '/data') return response.writeHead(request.url === '/broken' ? 500 : 404).end()
    const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '')
    const part = match ? data.subarray(Number(match[1]), Number(match[2]) + 1) : data
    return response.writeHead(match ? 206 : 200, { 'Content-Length': part.length }).end(part)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const fence: FenceRules = {
    allowedSchemes: ['http'],
    allowedHosts: [],
    allowedPorts: [],
    allowedNetworks: ['127.0.0.1/32'],
    maxRedirects: 1,
    maxBytes: 1_000_000,
    timeoutMs: 5000,
  }
  const store = new HttpStore({ id: 'web', fence })
  const imageId = randomUUID()
  const at = (path: string) => ({ imageId, url: origin + path })
  await assert.rejects(store.begin(), StoreReadOnly)
  assert.ok(Buffer.concat(await (await store.read(at('/data'))).toArray()).equals(data))
  const part = await store.read(at('/data'), { start: 5, end: 9 })
  assert.ok(Buffer.concat(await part.toArray()).equals(data.subarray(5, 10)))
  assert.equal(await store.size(at('/data')), 1000)
  await assert.rejects(store.read(at('/absent')), DataNotFound)
  await assert.rejects(store.read(at('/broken')), StoreUnavailable)
  const closed = new HttpStore({ id: 'web', fence: { ...fence, allowedNetworks: [] } })
  await assert.rejects(closed.read(at('/data')), StoreUnavailable)
  await assert.rejects(store.read({ imageId, url: 'file:///etc/passwd' }), StoreUnavailable)
})
