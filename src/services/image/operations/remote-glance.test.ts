import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { Transport } from '../../../platform/http/client.ts'
import { startImage } from '../testing/image.ts'

test('glance-download takes data, formats and chosen properties from another region, as the user', async (t) => {
  const data = randomBytes(300_000)
  const remoteId = randomUUID()
  const tokens = new Set<unknown>()
  const attributes = { id: remoteId, status: 'active', disk_format: 'raw', container_format: 'bare' }
  const remote = createServer((request, response) => {
    tokens.add(request.headers['x-auth-token'])
    if (request.url === `/v2/images/${remoteId}/file`) return response.end(data)
    if (request.url !== `/v2/images/${remoteId}`) return response.writeHead(404).end()
    const properties = { os_distro: 'debian', hw_disk_bus: 'scsi', secret: 'no', os_glance_x: 'no' }
    return response.end(JSON.stringify({ ...attributes, ...properties }))
  })
  await new Promise<void>((resolve) => remote.listen(0, '127.0.0.1', resolve))
  t.after(() => remote.close())
  const url = `http://127.0.0.1:${(remote.address() as AddressInfo).port}`
  const identity: Transport = {
    send: ({ path }) =>
      Promise.resolve({
        status: 200,
        headers: {},
        body: path.startsWith('/v3/services')
          ? { services: [{ id: 'glance', type: 'image' }] }
          : { endpoints: [{ service_id: 'glance', interface: 'public', region_id: 'Other', url }] },
      }),
  }
  const glance = await startImage({ others: { identity } })
  t.after(() => glance.stop())
  const run = async (method: Record<string, string>) => {
    const { id } = await glance.create({ disk_format: 'qcow2' }, 'alice')
    const json = { method: { name: 'glance-download', glance_region: 'Other', glance_image_id: remoteId, ...method } }
    assert.equal((await glance.call('POST', `/images/${id}/import`, { json, token: 'alice' })).status, 202)
    return glance.until(id, (each) => each['os_glance_import_task'] === undefined && each.status !== 'importing')
  }
  const image = await run({})
  assert.deepEqual(
    [image.status, image['disk_format'], image['os_distro'], image['hw_disk_bus'], image['secret']],
    ['active', 'raw', 'debian', 'scsi', undefined],
  )
  assert.ok((await glance.download(image.id)).data.equals(data))
  assert.deepEqual([...tokens], ['alice'])
  assert.equal((await run({ glance_region: 'Nowhere' })).status, 'queued')
  assert.equal((await run({ glance_image_id: randomUUID() })).status, 'queued')
})
