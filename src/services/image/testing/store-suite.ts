/** What every store promises. */
import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { DataNotFound, type ImageStore, type StoreWriter } from '../stores/store.ts'

/** A store under test. */
export interface Subject {
  store: ImageStore
  /** Names of everything that the store keeps. */
  kept(): string[] | Promise<string[]>
  close(): Promise<void> | void
}

/** Writes data in steps, into a buffer that is used again. */
export async function fill(writer: StoreWriter, data: Buffer, step = 65_536) {
  for (let at = 0; at < data.length; at += step) {
    const block = Buffer.from(data.subarray(at, at + step))
    await writer.write(block)
    block.fill(0) // the bytes are the caller's again
  }
}

/** Declares the tests for a store; `skip` is the reason for not running them. */
export function storeSuite(name: string, open: () => Promise<Subject>, skip: string | false = false) {
  describe(name, { skip }, () => {
    let subject: Subject
    let store: ImageStore
    before(async () => {
      subject = await open()
      store = subject.store
    })
    after(() => subject?.close())

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
      assert.deepEqual(await subject.kept(), [])
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
      assert.deepEqual(await subject.kept(), [])
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
      assert.deepEqual(await subject.kept(), [])
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
