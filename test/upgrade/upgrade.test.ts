/** State directories that earlier builds wrote, started with this one. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { login } from '../api.ts'
import { createTestCloud } from '../cloud.ts'
import { unpackSample } from './sample.ts'

const samples = join(import.meta.dirname, 'samples')
const files = readdirSync(samples).sort()

test('there is a sample of the first release', () => assert.ok(files.includes('0.1.0.json.gz')))

for (const file of files) {
  test(`a state directory of ${basename(file, '.json.gz')} starts with this build and has what it had`, async () => {
    const cloud = await createTestCloud({ args: ['--fake'] })
    try {
      unpackSample(join(samples, file), cloud.stateDir)
      await cloud.up()
      const demo = await login(cloud, 'demo')
      const names = async (service: 'compute' | 'network' | 'image', path: string, key: string) => {
        const { body } = await demo.call<Record<string, { name: string }[]>>(service, 'GET', path)
        return body[key]!.map(({ name }) => name).sort()
      }
      assert.deepEqual(await names('compute', '/v2.1/servers', 'servers'), ['first', 'second'])
      assert.deepEqual(await names('network', '/v2.0/networks', 'networks'), ['private', 'provider'])
      assert.deepEqual(await names('image', '/v2/images', 'images'), ['cirros'])
      const { body } = await demo.call<{ servers: { status: string; addresses: object }[] }>(
        'compute',
        'GET',
        '/v2.1/servers/detail',
      )
      for (const server of body.servers) {
        assert.equal(server.status, 'ACTIVE')
        assert.deepEqual(Object.keys(server.addresses), ['private'])
      }
      const made = await demo.call<{ server: { id: string } }>(
        'compute',
        'POST',
        '/v2.1/servers',
        {
          server: { name: 'third', flavorRef: '1', imageRef: await firstImage(demo), networks: 'none' },
        },
        { 'openstack-api-version': 'compute 2.79' },
      )
      assert.equal(made.status, 202)
      await cloud.nephos('down')
      // A second start has nothing left to do.
      await cloud.up()
    } finally {
      await cloud.destroy()
    }
  })
}

async function firstImage(demo: Awaited<ReturnType<typeof login>>): Promise<string> {
  const { body } = await demo.call<{ images: { id: string }[] }>('image', 'GET', '/v2/images')
  return body.images[0]!.id
}
