/** A store that cannot be reached: told, nothing stuck, and nothing of it lost or left once it is back. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { test, type TestContext } from 'node:test'
import { startFakeSwift, type FakeSwift } from '../../testing/fake-swift.ts'
import { startImage, type TestImage } from '../../testing/image.ts'

const segment = 1 << 20
const data = randomBytes(3 * segment)

async function start(t: TestContext) {
  const swift = await startFakeSwift()
  const config = `[DEFAULT]\nenabled_backends = far:swift\n[far]\nswift_store_auth_address = ${swift.authAddress}\nswift_store_user = service:glance\nswift_store_key = secret\nswift_store_create_container_on_put = true\nswift_store_large_object_chunk_size = 1\n`
  const glance = await startImage({ config })
  t.after(async () => {
    await glance.stop()
    await swift.close()
  })
  return { glance, swift }
}

/** Data of which the end comes when the store is gone. */
function cutByOutage(swift: FakeSwift): Readable {
  return Readable.from(
    (async function* () {
      yield data.subarray(0, 2 * segment + 1)
      while (swift.objects.size < 2) await new Promise((resolve) => setTimeout(resolve, 5))
      swift.failAll(503)
      yield data.subarray(2 * segment + 1)
    })(),
  )
}

async function uploadIntoOutage(glance: TestImage, swift: FakeSwift): Promise<string> {
  const { id } = await glance.create()
  const answer = await glance.call('PUT', `/images/${id}/file`, { data: cutByOutage(swift) })
  assert.deepEqual([answer.status, answer.message], [503, 'The image store does not answer.'])
  const image = await glance.must('GET', `/images/${id}`)
  assert.deepEqual([image.status, image['size'], image.stores], ['queued', null, undefined])
  assert.equal(swift.objects.size, 2, 'what could not be removed')
  return id
}

test('a store that never answered: 503, and the image waits for data', async (t) => {
  const { glance, swift } = await start(t)
  swift.failAll(503)
  const { id } = await glance.create()
  const answer = await glance.call('PUT', `/images/${id}/file`, { data })
  assert.deepEqual([answer.status, answer.message], [503, 'The image store does not answer.'])
  swift.failAll(undefined)
  assert.equal((await glance.call('PUT', `/images/${id}/file`, { data })).status, 204)
  assert.ok((await glance.download(id)).data.equals(data))
})

test('gone in the middle: the next upload takes the place, also through a restart', async (t) => {
  const { glance, swift } = await start(t)
  const id = await uploadIntoOutage(glance, swift)
  swift.failAll(undefined)
  assert.equal((await glance.call('PUT', `/images/${id}/file`, { data })).status, 204)
  await glance.restart()
  const answer = await glance.download(id)
  assert.equal(answer.status, 200)
  assert.ok(answer.data.equals(data))
})

test('gone in the middle: what is left goes with the image or at the next start', async (t) => {
  const { glance, swift } = await start(t)
  const id = await uploadIntoOutage(glance, swift)
  swift.failAll(undefined)
  await glance.must('DELETE', `/images/${id}`)
  assert.equal(swift.objects.size, 0)
  await uploadIntoOutage(glance, swift)
  swift.failAll(undefined)
  await glance.restart()
  assert.equal(swift.objects.size, 0)
})

test('an image that is deleted while the store is gone: its data goes at the next start', async (t) => {
  const { glance, swift } = await start(t)
  const { id } = await glance.upload(data)
  swift.failAll(503)
  await glance.must('DELETE', `/images/${id}`)
  assert.equal((await glance.call('GET', `/images/${id}`)).status, 404)
  swift.failAll(undefined)
  await glance.restart()
  assert.equal(swift.objects.size, 0)
})

test('an import fails with the reason, and works when the store is back', async (t) => {
  const { glance, swift } = await start(t)
  const { id } = await glance.create()
  const importIt = async () => {
    await glance.must('PUT', `/images/${id}/stage`, { data })
    await glance.must('POST', `/images/${id}/import`, { json: { method: { name: 'glance-direct' } } })
  }
  swift.failAll(503)
  await importIt()
  const failed = await glance.until(id, ({ status }) => status === 'queued')
  assert.equal(failed['os_glance_failed_import'], 'far')
  const { tasks } = await glance.must<{ tasks: { status: string; message: string }[] }>('GET', `/images/${id}/tasks`)
  assert.equal(tasks[0]!.status, 'failure')
  assert.match(tasks[0]!.message, /keystone answers the swift store 503|object store answered 503/)
  swift.failAll(undefined)
  await importIt()
  await glance.until(id, ({ status }) => status === 'active')
  await glance.restart()
  assert.ok((await glance.download(id)).data.equals(data))
})
