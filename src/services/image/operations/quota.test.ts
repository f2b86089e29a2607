import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test, type TestContext } from 'node:test'
import type { Transport } from '../../../platform/http/client.ts'
import { startImage, type TestImage } from '../testing/image.ts'

const mebibyte = 1024 * 1024

/** A keystone that knows limits; `own` are those of project alice. */
function keystone(defaults: Record<string, number>, own: Record<string, number> = {}): Transport {
  const row =
    (field: string) =>
    ([name, value]: [string, number]) => ({
      resource_name: name,
      region_id: null,
      [field]: value,
    })
  return {
    send({ path }) {
      const body = path.startsWith('/v3/services')
        ? { services: [{ id: 'glance-id', type: 'image' }] }
        : path.startsWith('/v3/registered_limits')
          ? { registered_limits: Object.entries(defaults).map(row('default_limit')) }
          : { limits: path.includes('project_id=alice') ? Object.entries(own).map(row('resource_limit')) : [] }
      return Promise.resolve({ status: 200, headers: {}, body })
    },
  }
}

async function start(t: TestContext, defaults: Record<string, number>, own: Record<string, number> = {}) {
  const all = { image_size_total: 100, image_stage_total: 100, image_count_total: 100, image_count_uploading: 100 }
  const glance = await startImage({
    config: '[DEFAULT]\nuse_keystone_limits = true\nenabled_backends = file:file, second:file\n',
    others: { identity: keystone({ ...all, ...defaults }, own) },
  })
  t.after(() => glance.stop())
  return glance
}

const usageOf = async (glance: TestImage, token = 'alice') =>
  (await glance.must<{ usage: Record<string, { usage: number; limit: number }> }>('GET', '/info/usage', { token }))
    .usage
const post = (glance: TestImage, token = 'alice') =>
  glance.call<{ id: string }>('POST', '/images', {
    token,
    json: { disk_format: 'raw', container_format: 'bare' },
  })

test('of 50 images at once, with room for 10, there are 10 (B11)', async (t) => {
  const glance = await start(t, { image_count_total: 10 })
  const answers = await Promise.all(Array.from({ length: 50 }, () => post(glance)))
  assert.equal(answers.filter((answer) => answer.status === 201).length, 10)
  const refused = answers.filter((answer) => answer.status !== 201)
  assert.ok(refused.every((answer) => answer.status === 413))
  assert.match(refused[0]!.message, /image_count_total is over limit of 10 due to current usage 10 and delta 1/)
  assert.deepEqual((await usageOf(glance))['image_count_total'], { usage: 10, limit: 10 })
  assert.equal((await post(glance, 'bob')).status, 201)
})

test("a project's own limit goes before the registered one; -1 is none; what is not registered is 0", async (t) => {
  const glance = await start(t, { image_count_total: 1 }, { image_count_total: -1 })
  for (let n = 0; n < 3; n++) assert.equal((await post(glance)).status, 201)
  assert.equal((await post(glance, 'bob')).status, 201)
  assert.equal((await post(glance, 'bob')).status, 413)
  const usage = await usageOf(glance)
  assert.deepEqual(Object.keys(usage).sort(), [
    'image_count_total',
    'image_count_uploading',
    'image_size_total',
    'image_stage_total',
  ])
})

test('parallel uploads of announced size never exceed image_size_total', async (t) => {
  const glance = await start(t, { image_size_total: 5 })
  const made = await Promise.all(Array.from({ length: 10 }, () => post(glance)))
  const answers = await Promise.all(
    made.map(({ body }) =>
      glance.call('PUT', `/images/${body.id}/file`, {
        token: 'alice',
        data: Buffer.alloc(mebibyte),
        headers: { 'x-openstack-image-size': String(mebibyte) },
      }),
    ),
  )
  assert.equal(answers.filter((answer) => answer.status === 204).length, 5)
  assert.deepEqual((await usageOf(glance))['image_size_total'], { usage: 5, limit: 5 })
  const [done] = made.filter((_each, index) => answers[index]!.status === 204)
  await glance.must('DELETE', `/images/${done!.body.id}`, { token: 'alice' })
  assert.deepEqual((await usageOf(glance))['image_size_total'], { usage: 4, limit: 5 })
})

test('image_count_uploading counts what runs; image_stage_total what is staged', async (t) => {
  const glance = await start(t, { image_count_uploading: 1, image_stage_total: 1 })
  const [first, second] = [(await post(glance)).body.id, (await post(glance)).body.id]
  let finish!: () => void
  const held = new Promise<void>((resolve) => (finish = resolve))
  const slow = Readable.from(
    (async function* () {
      yield Buffer.alloc(10)
      await held
    })(),
  )
  const running = glance.call('PUT', `/images/${first}/file`, { token: 'alice', data: slow })
  await glance.until(first, (image) => image.status === 'saving')
  const refused = await glance.call('PUT', `/images/${second}/file`, { token: 'alice', data: 'x' })
  assert.equal(refused.status, 413)
  assert.equal((await usageOf(glance))['image_count_uploading']!.usage, 1)
  finish()
  assert.equal((await running).status, 204)
  assert.equal((await usageOf(glance))['image_count_uploading']!.usage, 0)
  const stage = async (bytes: number) => {
    const { id } = (await post(glance)).body
    const { status } = await glance.call('PUT', `/images/${id}/stage`, { token: 'alice', data: Buffer.alloc(bytes) })
    if (status !== 204) await glance.must('DELETE', `/images/${id}`, { token: 'alice' })
    return status
  }
  assert.equal(await stage(mebibyte + 1), 413)
  assert.equal(await stage(mebibyte), 204)
  assert.equal(await stage(1), 413)
  assert.deepEqual((await usageOf(glance))['image_stage_total'], { usage: 1, limit: 1 })
})

test('uploads of unknown size never exceed image_size_total either', async (t) => {
  const glance = await start(t, { image_size_total: 3 })
  const made = await Promise.all(Array.from({ length: 6 }, () => post(glance)))
  const answers = await Promise.all(
    made.map(({ body }) =>
      glance.call('PUT', `/images/${body.id}/file`, { token: 'alice', data: Buffer.alloc(mebibyte) }),
    ),
  )
  assert.deepEqual(answers.map((answer) => answer.status).sort(), [204, 204, 204, 413, 413, 413])
  assert.deepEqual((await usageOf(glance))['image_size_total'], { usage: 3, limit: 3 })
})

test('usage after many random operations is what a recount says (B11)', async (t) => {
  const glance = await start(t, { image_size_total: 1000, image_count_total: 1000 })
  let seed = 7
  const random = (below: number) => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % below
  const alive = new Map<string, number>()
  const step = async () => {
    const kind = random(4)
    if (kind === 0 || alive.size === 0) return void alive.set((await post(glance)).body.id, 0)
    const id = [...alive.keys()][random(alive.size)]!
    if (kind === 1) {
      await glance.must('DELETE', `/images/${id}`, { token: 'alice' })
      return void alive.delete(id)
    }
    const size = random(3) * mebibyte
    const isCut = kind === 2
    const body = Readable.from(
      (async function* () {
        yield Buffer.alloc(size)
        if (isCut) throw Object.assign(new Error('cut'), { code: 'ECONNRESET' })
      })(),
    )
    const { status } = await glance.call('PUT', `/images/${id}/file`, { token: 'alice', data: body })
    if (status === 204) alive.set(id, size)
  }
  for (let n = 0; n < 150; n++) await step()
  const usage = await usageOf(glance)
  const total = [...alive.values()].reduce((sum, size) => sum + size, 0)
  assert.deepEqual(
    [usage['image_count_total']!.usage, usage['image_size_total']!.usage, usage['image_count_uploading']!.usage],
    [alive.size, total / mebibyte, 0],
  )
})

test('user_storage_quota is what a project may store, and refuses the byte above it', async (t) => {
  const glance = await startImage({ config: '[DEFAULT]\nuser_storage_quota = 1000\n' })
  t.after(() => glance.stop())
  await glance.upload(Buffer.alloc(900), {}, 'alice')
  const { id } = (await post(glance)).body
  assert.equal(
    (await glance.call('PUT', `/images/${id}/file`, { token: 'alice', data: Buffer.alloc(101) })).status,
    413,
  )
  await glance.must('PUT', `/images/${id}/file`, { token: 'alice', data: Buffer.alloc(100) })
  assert.deepEqual((await glance.must<{ usage: object }>('GET', '/info/usage', { token: 'alice' })).usage, {})
})
