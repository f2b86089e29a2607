/** The tests of every service that keep a database, once more on MariaDB: there transactions run side by side. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { collect } from '../cloud.ts'
import { Mariadb, noMariadb } from '../mariadb.ts'

const services = join(import.meta.dirname, '..', '..', 'src', 'services')
const database = join(services, '..', 'platform', 'db', 'testing.ts')
let mariadb: Mariadb | undefined

before(async () => {
  if (!noMariadb) mariadb = await Mariadb.start('--max-connections=1000')
})
after(() => mariadb?.remove())

/** Whether one of the files that a file imports, or that these import, is the wanted one. */
function imports(file: string, wanted: string, seen = new Set<string>()): boolean {
  if (file === wanted) return true
  if (seen.has(file)) return false
  seen.add(file)
  const found = readFileSync(file, 'utf8').matchAll(/(?:from|import|import\()\s*'(\.[^']+\.ts)'/g)
  return [...found].some(([, path]) => imports(join(dirname(file), path!), wanted, seen))
}

test('the tests of every service pass on MariaDB', { skip: noMariadb || false, timeout: 1_500_000 }, async () => {
  const files = readdirSync(services, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts') && !file.endsWith('.system.test.ts'))
    .map((file) => join(services, file))
    .filter((file) => imports(file, database))
  for (const service of ['identity', 'image', 'placement', 'compute', 'network'])
    assert.ok(files.filter((file) => file.startsWith(join(services, service))).length >= 5, service)
  // Tests that stand for a crash leave a service with its connections behind.
  const flags = ['--test', '--test-force-exit', '--test-concurrency=2', '--test-reporter=tap']
  // Node runs no tests inside of tests unless it does not know.
  const command = ['env', '--unset=NODE_TEST_CONTEXT', process.execPath, ...flags, ...files]
  const { code, output } = await collect(command, { NEPHOS_TEST_MYSQL: mariadb!.url })
  const failed = [...output.matchAll(/^not ok .*\n( {2}---\n[^]*?^ {2}\.\.\.$)?/gm)].map(([block]) => block)
  assert.deepEqual(failed, [], failed.join('\n') || output.slice(-4000))
  assert.equal(code, 0)
  assert.ok(Number(/^# pass (\d+)$/m.exec(output)?.[1]) > files.length)
})
