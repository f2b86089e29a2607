/** What every store promises. */
import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { FenceRules } from '../../../platform/http/fence.ts'
import { startFakeSwift, type FakeSwift } from '../testing/fake-swift.ts'
import { FileStore } from './file.ts'
import { HttpStore } from './http.ts'
import { DataNotFound, StoreFull, StoreReadOnly, StoreUnavailable, type ImageStore, type StoreWriter } from './store.ts'
import { SwiftStore } from './swift.ts'

interface Subject {
  store: ImageStore
  /** Names of everything that the store keeps. */
  kept(): string[]
  close(): Promise<void> | void
}

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

async function fill(writer: StoreWriter, data: Buffer, step = 65_536) {
  for (let at = 0; at < data.length; at += step) {
    const block = Buffer.from(data.subarray(at, at + step))
    await writer.write(block)
    block.fill(0) // the bytes are the caller's again
  }
}

for (const [name, open] of Object.entries(subjects)) {
  describe(name, () => {
    let subject: Subject
    let store: ImageStore
    before(async () => {
      subject = await open()
      store = subject.store
    })
    after(() => subject.close())

    test('gives back what it was given, whole and in part', async () => {
      const imageId = randomUUID()
      const data = randomBytes(350_000)
      const writer = await store.begin(imageId, data.length)
      await fill(writer, data)
      const place = { imageId, url: await writer.finish() }
      assert.ok(place.url.includes(imageId))
      assert.ok(Buffer.concat(await (await store.read(place)).toArray()).equals(data))
      const range = { start: 99_990, end: 200_010 }
      assert.ok(Buffer.concat(await (await store.read(place, range)).toArray()).equals(data.subarray(99_990, 200_011)))
      assert.equal(await store.size(place), data.length)
      await store.remove(place)
      assert.equal(await store.size(place), undefined)
      assert.deepEqual(subject.kept(), [])
    })

    test('keeps an image of no bytes', async () => {
      const imageId = randomUUID()
      const writer = await store.begin(imageId, 0)
      const place = { imageId, url: await writer.finish() }
      assert.equal(await store.size(place), 0)
      assert.equal((await (await store.read(place)).toArray()).length, 0)
      await store.remove(place)
    })

    test('has nothing of an image before it is finished, nor after it was given up', async () => {
      const imageId = randomUUID()
      const writer = await store.begin(imageId, undefined)
      await fill(writer, randomBytes(250_000))
      await assert.rejects(store.read({ imageId, url: '' }), DataNotFound)
      assert.equal(await store.size({ imageId, url: '' }), undefined)
      await writer.abort()
      assert.deepEqual(subject.kept(), [])
    })

    test('a cut attempt is no part of the next one, and goes with remove', async () => {
      const imageId = randomUUID()
      const first = await store.begin(imageId, undefined)
      await fill(first, randomBytes(250_000))
      const second = await store.begin(imageId, 3)
      await fill(second, Buffer.from('new'))
      const place = { imageId, url: await second.finish() }
      assert.equal(Buffer.concat(await (await store.read(place)).toArray()).toString(), 'new')
      await store.remove(place)
      await store.remove(place)
      await first.abort()
      assert.deepEqual(subject.kept(), [])
    })

    test('takes no name but an id (C8)', async () => {
      for (const imageId of ['../x', '/etc/passwd', 'a\0b', '', '%2e%2e', 'x'.repeat(36)]) {
        await assert.rejects(async () => store.begin(imageId, 1), Error)
        await assert.rejects(async () => store.read({ imageId, url: '' }), Error)
        await assert.rejects(async () => store.remove({ imageId, url: '' }), Error)
      }
    })
  })
}

test('files are readable by their owner only (C17)', async () => {
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
