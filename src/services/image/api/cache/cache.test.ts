import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { startFakeSwift } from '../../testing/fake-swift.ts'
import { startImage, type TestImage } from '../../testing/image.ts'

interface State {
  cached_images: { image_id: string; hits: number; size: number }[]
  queued_images: string[]
}

async function start(t: TestContext, more = '') {
  const swift = await startFakeSwift()
  const config = `[DEFAULT]\nenabled_backends = swift:swift\n${more}[swift]\nswift_store_auth_address = ${swift.authAddress}\nswift_store_user = service:glance\nswift_store_key = secret\nswift_store_create_container_on_put = true\n`
  const glance = await startImage({ config })
  t.after(async () => {
    await glance.stop()
    await swift.close()
  })
  return { glance, swift }
}

const stateOf = (glance: TestImage) => glance.must<State>('GET', '/cache')

async function cached(glance: TestImage, id: string): Promise<State['cached_images'][number]> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline;) {
    const found = (await stateOf(glance)).cached_images.find((image) => image.image_id === id)
    if (found) return found
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error('the image does not get into the cache')
}

test('C12: a queued image is copied and read from the copy, which obeys policy and state', async (t) => {
  const { glance, swift } = await start(t)
  const data = randomBytes(1_500_000)
  const { id } = await glance.upload(data, {}, 'alice')
  assert.equal((await glance.call('PUT', `/cache/${id}`)).status, 202)
  assert.equal((await cached(glance, id)).size, data.length)
  swift.objects.clear()
  assert.ok((await glance.download(id, { token: 'alice' })).data.equals(data))
  const part = await glance.download(id, { token: 'alice', headers: { range: 'bytes=1048570-1048580' } })
  assert.ok(part.data.equals(data.subarray(1_048_570, 1_048_581)))
  assert.equal((await cached(glance, id)).hits, 2)
  assert.equal((await glance.download(id, { token: 'bob' })).status, 404)
  assert.equal((await glance.download(id, { token: 'alice;reader' })).status, 403)
  await glance.must('POST', `/images/${id}/actions/deactivate`)
  assert.equal((await glance.download(id, { token: 'alice' })).status, 403)
  await glance.must('POST', `/images/${id}/actions/reactivate`)
  await glance.must('DELETE', `/images/${id}`)
  assert.deepEqual((await stateOf(glance)).cached_images, [])
})

test('C12: a byte of the copy that changed is noticed: the data comes from the store', async (t) => {
  const { glance } = await start(t)
  const data = randomBytes(2_500_000)
  const { id } = await glance.upload(data)
  await glance.must('PUT', `/cache/${id}`)
  await cached(glance, id)
  const file = join(glance.stateDir, 'cache', id)
  const bytes = readFileSync(file)
  bytes[1_200_000]! ^= 1
  writeFileSync(file, bytes)
  assert.ok((await glance.download(id)).data.equals(data))
})

test('pruning, cleaning and clearing', async (t) => {
  const { glance } = await start(t, 'image_cache_max_size = 1000\n')
  const ids: string[] = []
  for (const size of [400, 500, 600]) {
    const { id } = await glance.upload(randomBytes(size))
    await glance.must('PUT', `/cache/${id}`)
    await cached(glance, id)
    ids.push(id)
  }
  writeFileSync(join(glance.stateDir, 'cache', '00000000-0000-4000-8000-000000000000'), 'nobody knows it')
  assert.equal((await glance.call('POST', '/cache/clean')).status, 200)
  const pruned = await glance.must<{ total_files_pruned: number; total_bytes_pruned: number }>('POST', '/cache/prune')
  assert.deepEqual(pruned, { total_files_pruned: 2, total_bytes_pruned: 900 })
  const clear = (target: string) =>
    glance.call('DELETE', '/cache', { headers: { 'x-image-cache-clear-target': target } })
  assert.equal((await clear('everything')).status, 400)
  assert.equal((await clear('queue')).status, 204)
  assert.equal((await stateOf(glance)).cached_images.length, 1)
  assert.equal((await clear('')).status, 204)
  assert.deepEqual(await stateOf(glance), { cached_images: [], queued_images: [] })
  const queued = await glance.create()
  assert.equal((await glance.call('PUT', `/cache/${queued.id}`)).status, 400)
  const nobody = '00000000-0000-4000-8000-000000000001'
  assert.equal((await glance.call('PUT', `/cache/${nobody}`)).status, 404)
  assert.equal((await glance.call('DELETE', `/cache/${nobody}`)).status, 404)
  assert.equal((await glance.call('GET', `/cache/nodes/${nobody}`)).status, 409)
  const requests = [
    ['GET', '/cache'],
    ['DELETE', '/cache'],
    ['PUT', `/cache/${ids[0]}`],
    ['DELETE', `/cache/${ids[0]}`],
    ['POST', '/cache/clean'],
    ['POST', '/cache/prune'],
    ['GET', `/cache/nodes/${ids[0]}`],
  ] as const
  for (const [method, path] of requests)
    assert.equal((await glance.call(method, path, { token: 'alice' })).status, 403, `${method} ${path}`)
})
