/** OpenStack's own test suite against a cloud: all that applies passes, what does not is listed with its reason. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { collect, createTestCloud, type TestCloud } from '../../cloud.ts'
import { services } from './services.ts'
import { readSkips, runTempest } from './tempest.ts'

const why = !existsSync('/usr/bin/tempest') ? 'needs the package tempest' : ''
const isRoot = process.getuid?.() === 0

for (const service of services) {
  test(`tempest: ${service.type}`, { skip: why || false, timeout: 590_000 }, async (context) => {
    // As root in a network namespace of its own, so that nothing outside is reached by mistake.
    const netns = isRoot ? `nph-tempest-${process.pid}` : undefined
    if (netns) {
      await collect(['ip', 'netns', 'add', netns])
      await collect(['ip', '-n', netns, 'link', 'set', 'lo', 'up'])
    }
    let cloud: TestCloud | undefined
    try {
      cloud = await createTestCloud({ args: ['--fake'], ...(netns && { netns }) })
      for (const [file, text] of Object.entries(service.configs ?? {})) {
        const path = join(cloud.stateDir, 'etc', file)
        mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
        writeFileSync(path, text)
      }
      await cloud.up()
      const result = await runTempest(cloud, service, netns ? { netns } : {})
      const lines = readSkips(service.type)
      const skips = lines.filter((line) => line.kind === 'skip')
      const unknown = lines.filter(
        (line) => line.kind === 'exclude' && !result.known.some((name) => new RegExp(line.regex).test(name)),
      )
      const unexplained = result.skipped.filter((name) => !skips.some((line) => new RegExp(line.regex).test(name)))
      const stale = skips.filter((line) => !result.skipped.some((name) => new RegExp(line.regex).test(name)))
      context.diagnostic(`${result.passed.length} passed, ${result.skipped.length} skipped`)
      assert.deepEqual(result.failed, [], result.output)
      assert.ok(result.passed.length > 0, result.output)
      assert.deepEqual(unexplained, [], `say in ${service.type}.skip why tempest skips these`)
      assert.deepEqual(unknown, [], `these exclude nothing: remove them from ${service.type}.skip`)
      assert.deepEqual(stale, [], `these are no longer skipped: remove them from ${service.type}.skip`)
    } finally {
      await cloud?.destroy()
      if (netns) await collect(['ip', 'netns', 'del', netns])
    }
  })
}
