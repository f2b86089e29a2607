import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, before, test } from 'node:test'
import { qcow2, vhd, vmdk } from '../../../../base/disk-formats/fixtures.ts'
import { openDatabase } from '../../../../platform/db/database.ts'
import { insertLocation } from '../../store/locations.ts'
import type { ImageSchema } from '../../store/tables.ts'
import { startImage, type TestImage } from '../../testing/image.ts'

let glance: TestImage
before(async () => {
  glance = await startImage({ config: '[DEFAULT]\nimage_size_cap = 4000000\n' })
})
after(() => glance.stop())

const files = () => readdirSync(join(glance.stateDir, 'images'))
const staged = () => readdirSync(join(glance.stateDir, 'staging'))
const hash = (algorithm: string, data: Buffer) => createHash(algorithm).update(data).digest('hex')

/** A body that ends with an error after some bytes. */
async function* cutAfter(data: Buffer, error = Object.assign(new Error('aborted'), { code: 'ECONNRESET' })) {
  yield data
  await new Promise((resolve) => setImmediate(resolve))
  throw error
}

test('what was uploaded is what is downloaded, hashed and measured', async () => {
  const data = randomBytes(2_500_000)
  const image = await glance.upload(data)
  assert.deepEqual(
    [image.status, image['size'], image['checksum'], image['os_hash_algo'], image['os_hash_value'], image.stores],
    ['active', data.length, hash('md5', data), 'sha512', hash('sha512', data), 'file'],
  )
  const answer = await glance.download(image.id)
  assert.equal(answer.status, 200)
  assert.ok(answer.data.equals(data))
  assert.deepEqual(
    ['content-length', 'content-md5', 'content-type', 'x-openstack-image-store-ids', 'accept-ranges'].map(
      (name) => answer.headers[name],
    ),
    [String(data.length), hash('md5', data), 'application/octet-stream', 'file', 'bytes'],
  )
})

test('no bytes make an image of no bytes', async () => {
  const image = await glance.upload('')
  assert.deepEqual([image.status, image['size'], image['checksum']], ['active', 0, hash('md5', Buffer.alloc(0))])
  assert.equal((await glance.download(image.id)).data.length, 0)
})

test('ranges, by Range and by Content-Range', async () => {
  const { id } = await glance.upload('0123456789')
  const part = async (headers: Record<string, string>) => glance.download(id, { headers })
  const cases: [string, number, string, string][] = [
    ['bytes=2-4', 206, '234', 'bytes 2-4/10'],
    ['bytes=5-', 206, '56789', 'bytes 5-9/10'],
    ['bytes=-3', 206, '789', 'bytes 7-9/10'],
    ['bytes=8-99', 206, '89', 'bytes 8-9/10'],
  ]
  for (const [range, status, data, content] of cases) {
    const answer = await part({ range })
    assert.deepEqual([answer.status, answer.data.toString(), answer.headers['content-range']], [status, data, content])
    assert.equal(answer.headers['content-md5'], undefined)
  }
  assert.equal((await part({ 'content-range': 'bytes 1-2/10' })).data.toString(), '12')
  for (const range of ['bytes=10-', 'bytes=4-2', 'bytes=-0', 'lines=1-2', 'bytes=1-2,4-5', 'bytes=x'])
    assert.equal((await part({ range })).status, 416, range)
})

test('conditional requests', async () => {
  const { id } = await glance.upload('conditional')
  const etag = (await glance.download(id)).headers['etag']!
  assert.equal((await glance.download(id, { headers: { 'if-none-match': etag } })).status, 304)
  assert.equal((await glance.download(id, { headers: { 'if-none-match': '"other"' } })).status, 200)
  assert.equal((await glance.download(id, { headers: { 'if-match': '"other"' } })).status, 412)
  assert.equal((await glance.download(id, { headers: { 'if-match': etag } })).status, 200)
  const stale = { 'if-range': '"other"', range: 'bytes=0-1' }
  assert.equal((await glance.download(id, { headers: stale })).status, 200)
})

test('data of an image without any is 204; a body of another type is 415; an unknown store is 400', async () => {
  const { id } = await glance.create()
  assert.equal((await glance.download(id)).status, 204)
  const put = (headers: Record<string, string>) => glance.call('PUT', `/images/${id}/file`, { data: 'x', headers })
  assert.equal((await put({ 'content-type': 'application/json' })).status, 415)
  assert.equal((await put({ 'x-image-meta-store': 'nowhere' })).status, 400)
  assert.equal((await put({ 'x-openstack-image-size': 'big' })).status, 400)
  assert.equal((await glance.must('GET', `/images/${id}`)).status, 'queued')
})

test('C9: an active image keeps its data and its state, whatever is asked', async () => {
  const { id, os_hash_value: before } = await glance.upload('the data')
  assert.equal((await glance.call('PUT', `/images/${id}/file`, { data: 'other' })).status, 409)
  assert.equal((await glance.call('PUT', `/images/${id}/stage`, { data: 'other' })).status, 409)
  const json = { method: { name: 'glance-direct' } }
  assert.equal((await glance.call('POST', `/images/${id}/import`, { json })).status, 409)
  for (const path of ['/status', '/checksum', '/size', '/os_hash_value', '/file'])
    assert.equal(
      (
        await glance.call('PATCH', `/images/${id}`, {
          json: [{ op: 'replace', path, value: 'queued' }],
          headers: { 'content-type': 'application/openstack-images-v2.1-json-patch' },
        })
      ).status,
      403,
    )
  const now = await glance.must('GET', `/images/${id}`)
  assert.deepEqual([now.status, now['os_hash_value']], ['active', before])
  assert.equal((await glance.download(id)).data.toString(), 'the data')
})

test('C10: an upload that is cut at any byte leaves a queued image, no file and no usage', async () => {
  const before = files()
  const data = randomBytes(3_000_000)
  for (const at of [0, 1, 511, 512, 65_536, 1_048_576, 1_048_577, 2_999_999]) {
    const { id } = await glance.create()
    const body = { data: Readable.from(cutAfter(data.subarray(0, at))) }
    assert.equal((await glance.call('PUT', `/images/${id}/file`, body)).status, 400)
    const image = await glance.must('GET', `/images/${id}`)
    assert.deepEqual([image.status, image['size'], image['checksum'], image.stores], ['queued', null, null, undefined])
    assert.deepEqual(files(), before)
    await glance.must('PUT', `/images/${id}/file`, { data })
    await glance.must('DELETE', `/images/${id}`)
    assert.deepEqual(files(), before)
  }
})

test('more or fewer bytes than announced, or more than allowed, are refused and not kept', async () => {
  const before = files()
  const put = async (data: Buffer, headers: Record<string, string> = {}) => {
    const { id } = await glance.create()
    const { status } = await glance.call('PUT', `/images/${id}/file`, { data, headers })
    assert.equal((await glance.must('GET', `/images/${id}`)).status, 'queued')
    return status
  }
  assert.equal(await put(Buffer.alloc(10), { 'x-openstack-image-size': '11' }), 400)
  assert.equal(await put(Buffer.alloc(4_000_001)), 413)
  assert.equal(await put(Buffer.alloc(10), { 'x-openstack-image-size': '4000001' }), 413)
  assert.deepEqual(files(), before)
})

test('C1, C2: data that is not what it is said to be, or refers to other files, is refused', async () => {
  const before = files()
  const backing = qcow2([8, Uint8Array.of(0, 0, 0, 0, 0, 0, 1, 0)], [16, Uint8Array.of(0, 0, 0, 8)])
  const extent = Buffer.from(
    Buffer.from(vmdk()).toString('latin1').replace('monolithicSparse', 'monolithicFlat\0\0'),
    'latin1',
  )
  const cases: [string, Uint8Array][] = [
    ['qcow2', randomBytes(70_000)],
    ['raw', qcow2()],
    ['raw', vmdk()],
    ['raw', backing],
    ['qcow2', backing],
    ['vmdk', extent],
    ['vhd', qcow2()],
    ['vhdx', vhd()],
  ]
  for (const [format, data] of cases) {
    const { id } = await glance.create({ disk_format: format })
    const answer = await glance.call('PUT', `/images/${id}/file`, { data: Buffer.from(data) })
    assert.equal(answer.status, 415, format)
    assert.equal((await glance.must('GET', `/images/${id}`)).status, 'queued')
  }
  assert.deepEqual(files(), before)
  const image = await glance.upload(Buffer.from(qcow2()), { disk_format: 'qcow2' })
  assert.equal(image.status, 'active')
  assert.ok(Number(image['virtual_size']) > 0)
})

test('C10: deleting wins over an upload and a staging: they end with 410, and nothing is left', async () => {
  const before = [files(), staged()]
  for (const path of ['file', 'stage']) {
    const { id } = await glance.create()
    let more!: () => void
    const held = new Promise<void>((resolve) => (more = resolve))
    const body = Readable.from(
      (async function* () {
        yield randomBytes(1_500_000)
        await held
        yield randomBytes(1_500_000)
      })(),
    )
    const running = glance.call('PUT', `/images/${id}/${path}`, { data: body })
    await glance.until(id, (image) => image.status !== 'queued')
    await glance.must('DELETE', `/images/${id}`)
    more()
    assert.equal((await running).status, 410)
    assert.equal((await glance.call('GET', `/images/${id}`)).status, 404)
  }
  assert.deepEqual([files(), staged()], before)
})

test('what a crash has left is gone after the next start', async () => {
  const { id } = await glance.create()
  const keep = await glance.upload('kept')
  const database = openDatabase<ImageSchema>(glance.databaseUrl)
  await database.db.updateTable('images').set({ status: 'saving', reserved: 5 }).where('id', '=', id).execute()
  await insertLocation(database.db, { imageId: id, store: 'file', url: '', status: 'writing' })
  await database.close()
  writeFileSync(join(glance.stateDir, 'images', `${id}.part`), 'half')
  writeFileSync(join(glance.stateDir, 'staging', String(keep.id)), 'imported already')
  await glance.restart()
  assert.equal((await glance.must('GET', `/images/${id}`)).status, 'queued')
  assert.deepEqual(
    files().filter((name) => name.includes(id)),
    [],
  )
  assert.deepEqual(staged(), [])
  assert.equal((await glance.download(keep.id)).data.toString(), 'kept')
})
