/** The tests of every service once more, on MariaDB: there transactions run side by side. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { collect } from '../cloud.ts'
import { Mariadb, noMariadb } from '../mariadb.ts'

const root = join(import.meta.dirname, '..', '..')
let mariadb: Mariadb | undefined

before(async () => {
  if (!noMariadb) mariadb = await Mariadb.start('--max-connections=1000')
})
after(() => mariadb?.remove())

for (const service of ['identity', 'image', 'placement', 'compute', 'network']) {
  test(`${service} on MariaDB`, { skip: noMariadb || false, timeout: 900_000 }, async () => {
    const folder = join(root, 'src', 'services', service)
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.test.ts') && !file.endsWith('.system.test.ts'))
      .map((file) => join(folder, file))
    // Tests that stand for a crash leave a service with its connections behind.
    const flags = ['--test', '--test-force-exit', '--test-concurrency=2', '--test-reporter=tap']
    // Node runs no tests inside of tests unless it does not know.
    const command = ['env', '--unset=NODE_TEST_CONTEXT', process.execPath, ...flags, ...files]
    const { code, output } = await collect(command, { NEPHOS_TEST_MYSQL: mariadb!.url })
    const failed = output.split('\n').filter((line) => /^\s*not ok/.test(line))
    assert.deepEqual(failed, [], output.slice(-4000))
    assert.equal(code, 0)
    assert.ok(Number(/^# pass (\d+)$/m.exec(output)?.[1]) > 10)
  })
}
