/**
 * A cloud with many fake hosts, as JSON lines: how long it takes to start, what it weighs, and what a server costs.
 * Usage: npm run bench hosts; NEPHOS_BENCH_HOSTS says how many (500,2000).
 */
import { login } from '../test/api.ts'
import { createTestCloud } from '../test/cloud.ts'
import { build } from './build.ts'
import { measure, memory, print } from './measure.ts'

for (const count of (process.env['NEPHOS_BENCH_HOSTS'] ?? '500,2000').split(',')) await run(count)

async function run(count: string) {
  const cloud = await createTestCloud({ args: ['--fake', '--compute-hosts', count] })
  try {
    const started = performance.now()
    await cloud.up()
    print(`start with ${count} hosts`, { ms: Math.round(performance.now() - started) })
    await memory(cloud)
    const [admin, demo] = [await login(cloud, 'admin'), await login(cloud, 'demo')]
    await admin.call('compute', 'PUT', `/v2.1/os-quota-sets/${demo.projectId}`, {
      quota_set: { cores: -1, ram: -1, instances: -1 },
    })
    const images = await demo.call<{ images: { id: string }[] }>('image', 'GET', '/v2/images?name=cirros')
    const one = () => build(demo, images.body.images[0]!.id, 'none')
    print(`POST to ACTIVE among ${count} hosts, 1 client`, await measure({ clients: 1, count: 50 }, one))
    print(`POST to ACTIVE among ${count} hosts, 8 clients`, await measure({ clients: 8, count: 200 }, one))
    await memory(cloud)
  } finally {
    await cloud.destroy()
  }
}
