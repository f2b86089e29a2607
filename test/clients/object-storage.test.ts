/** Object storage with the unmodified clients, on a cloud as it starts by itself: nothing is configured for it. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { collect, createTestCloud, type TestCloud } from '../cloud.ts'

const why = ['/usr/bin/openstack', '/usr/bin/swift'].every((program) => existsSync(program))
  ? false
  : 'needs python3-openstackclient and python3-swiftclient'
const folder = mkdtempSync(join(tmpdir(), 'nephos-object-clients-'))
let cloud: TestCloud

before(async () => {
  if (why) return
  cloud = await createTestCloud({ args: ['--fake'] })
  await cloud.up()
})
after(async () => {
  await cloud?.destroy()
  rmSync(folder, { recursive: true, force: true })
})

async function run(program: string, words: readonly string[], user: 'admin' | 'demo' = 'demo'): Promise<string> {
  const { code, output } = await collect([program, ...words], cloud.environment(user))
  assert.equal(code, 0, `${program} ${words.join(' ')}: ${output}`)
  return output
}

const openstack = (...words: string[]) => run('/usr/bin/openstack', words)
const swift = (...words: string[]) => run('/usr/bin/swift', ['--os-auth-url', authUrl(), ...words])
const authUrl = () => cloud.environment('demo')['OS_AUTH_URL'] ?? ''
const md5 = (content: Buffer) => createHash('md5').update(content).digest('hex')

test('openstack: a container and an object', { skip: why, timeout: 180_000 }, async () => {
  const file = join(folder, 'a file')
  const content = Buffer.alloc(3_000_000, 'nephos ')
  writeFileSync(file, content)
  await openstack('container', 'create', 'photos')
  await openstack('object', 'create', 'photos', file, '--name', 'täg/a file')
  const saved = join(folder, 'saved')
  await openstack('object', 'save', 'photos', 'täg/a file', '--file', saved)
  assert.equal(md5(readFileSync(saved)), md5(content))
})

test('swift: upload, post, stat, download, delete', { skip: why, timeout: 180_000 }, async () => {
  const file = join(folder, 'small')
  writeFileSync(file, 'small content')
  await swift('upload', 'files', file, '--object-name', 'one')
  await swift('post', 'files', '-r', '.r:*,.rlistings')
  const stat = await swift('stat', 'files')
  assert.match(stat, /Read ACL: \.r:\*,\.rlistings/)
  assert.match(stat, /Objects: 1/)
  assert.equal(await swift('download', 'files', 'one', '-o', '-'), 'small content')
  await swift('delete', 'files')
  assert.doesNotMatch(await swift('list'), /files/)
})
