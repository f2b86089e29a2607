/** Glance obeys the limits of a real keystone, as soon as they are changed. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { login } from '../api.ts'
import { createTestCloud } from '../cloud.ts'

test('unified limits: registered, a project of its own, raised while the cloud runs', async (t) => {
  const cloud = await createTestCloud({ args: ['--fake'] })
  t.after(() => cloud.destroy())
  await cloud.up()
  const admin = await login(cloud, 'admin')
  const { body } = await admin.call<{ services: { id: string }[] }>('identity', 'GET', '/v3/services?type=image')
  const limit = { service_id: body.services[0]!.id, resource_name: '' }
  const registered = Object.entries({
    image_size_total: 1,
    image_stage_total: 100,
    image_count_total: 2,
    image_count_uploading: 100,
  }).map(([resource_name, default_limit]) => ({ ...limit, resource_name, default_limit }))
  const made = await admin.call<{ registered_limits: { id: string; resource_name: string }[] }>(
    'identity',
    'POST',
    '/v3/registered_limits',
    { registered_limits: registered },
  )
  assert.equal(made.status, 201, JSON.stringify(made.body))
  const folder = join(cloud.stateDir, 'etc', 'glance')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'glance-api.conf'), '[DEFAULT]\nuse_keystone_limits = true\n')
  await cloud.nephos('down')
  await cloud.up()

  const demo = await login(cloud, 'demo')
  const image = { name: 'q', disk_format: 'raw', container_format: 'bare' }
  const post = () => demo.call<{ id: string }>('image', 'POST', '/v2/images', image)
  const put = (id: string, bytes: number) =>
    fetch(`${cloud.url('image')}/v2/images/${id}/file`, {
      method: 'PUT',
      headers: { 'X-Auth-Token': demo.token, 'Content-Type': 'application/octet-stream' },
      body: Buffer.alloc(bytes),
    })
  const usage = async () =>
    (await demo.call<{ usage: Record<string, { usage: number; limit: number }> }>('image', 'GET', '/v2/info/usage'))
      .body.usage
  const [first, second] = [await post(), await post()]
  assert.equal((await post()).status, 413)
  assert.deepEqual((await usage())['image_count_total'], { usage: 2, limit: 2 })
  assert.equal((await put(first.body.id, 1024 * 1024)).status, 204)
  const refused = await put(second.body.id, 1)
  assert.equal(refused.status, 413)
  assert.match(await refused.text(), /image_size_total is over limit of 1 due to current usage 1 and delta 1/)
  const again = await login(cloud, 'admin')
  const own = await again.call('identity', 'POST', '/v3/limits', {
    limits: [{ ...limit, resource_name: 'image_size_total', resource_limit: 2, project_id: demo.projectId }],
  })
  assert.equal(own.status, 201, JSON.stringify(own.body))
  assert.equal((await put(second.body.id, 1024 * 1024)).status, 204)
  assert.deepEqual((await usage())['image_size_total'], { usage: 2, limit: 2 })
})
