/** The acceptance tour with the unmodified clients, on a real cloud in a network namespace of its own. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { collect, createTestCloud, type TestCloud } from '../cloud.ts'

const root = join(import.meta.dirname, '../..')
const tour = process.env['NEPHOS_TOUR'] ?? join(root, '../shared/acceptance/run.sh')
const why = !existsSync(tour)
  ? 'the tour is not on this machine'
  : process.getuid?.() !== 0
    ? 'needs root'
    : !existsSync('/usr/bin/openstack')
      ? 'needs python3-openstackclient'
      : ''
const netns = `nph-tour-${process.pid}`
let cloud: TestCloud

before(async () => {
  if (why) return
  await collect(['ip', 'netns', 'add', netns])
  await collect(['ip', '-n', netns, 'link', 'set', 'lo', 'up'])
  cloud = await createTestCloud({ args: [], netns })
  await cloud.up()
})
after(async () => {
  await cloud?.destroy()
  await collect(['ip', 'netns', 'del', netns])
})

for (const section of ['identity', 'image', 'first-vm']) {
  test(`the tour's section ${section} passes`, { skip: why || false, timeout: 600_000 }, async () => {
    const env = { ...cloud.environment('admin'), TOUR_IMAGE: join(root, 'guest/build/guest.qcow2') }
    const { output } = await collect(['nsenter', `--net=/run/netns/${netns}`, 'bash', tour, section], env)
    const counts = /(\d+) passed, (\d+) failed\s*$/.exec(output)
    assert.ok(counts && Number(counts[1]) > 0, output)
    assert.equal(Number(counts[2]), 0, output)
  })
}
