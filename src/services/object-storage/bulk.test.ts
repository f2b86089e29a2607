/** Archives that become objects, many deletions at once, and containers that keep versions. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startSwift, type TestSwift } from './testing/swift.ts'

let swift: TestSwift
const folder = mkdtempSync(join(tmpdir(), 'nephos-bulk-'))

before(async () => {
  swift = await startSwift()
})
after(async () => {
  await swift.stop()
  rmSync(folder, { recursive: true })
})

const json = { accept: 'application/json' }
const list = async (path: string) => (await swift.call('GET', path)).text.split('\n').slice(0, -1)
const long = `${'long/'.repeat(30)}name`

function archive(...options: string[]): Buffer {
  mkdirSync(join(folder, 'c', long, '..'), { recursive: true })
  writeFileSync(join(folder, 'c/small'), 'small')
  writeFileSync(join(folder, 'c/large'), Buffer.alloc(300_000, 'large '))
  writeFileSync(join(folder, 'c', long), 'far below')
  const done = spawnSync('tar', ['-C', folder, ...options, '-cf', '-', 'c'], { maxBuffer: 1 << 24 })
  assert.equal(done.status, 0, done.stderr.toString())
  return done.stdout
}

for (const [format, options] of [
  ['tar', ['--format=pax']],
  ['tar', ['--format=gnu']],
  ['tar.gz', ['-z']],
] as const)
  test(`an archive is taken apart: ${format} ${options.join(' ')}`, async () => {
    const body = archive(...options)
    const answer = await swift.call('PUT', `?extract-archive=${format}`, { body, headers: json })
    assert.equal((JSON.parse(answer.text) as Record<string, unknown>)['Number Files Created'], 3, answer.text)
    assert.deepEqual(await list('c'), ['large', long, 'small'])
    assert.equal((await swift.call('GET', 'c/large')).body.length, 300_000)
    assert.equal((await swift.call('GET', `c/${long}`)).text, 'far below')
    const deleted = await swift.call('POST', '?bulk-delete', {
      body: `c/large\n/c/small\nc/${long}\nc/none\nc`,
      headers: json,
    })
    const report = JSON.parse(deleted.text) as Record<string, unknown>
    assert.deepEqual(
      [report['Number Deleted'], report['Number Not Found'], report['Response Status']],
      [4, 1, '200 OK'],
    )
    assert.equal((await swift.call('GET', 'c')).status, 404)
  })

test('what is no archive is told so, and who may not write writes nothing', async () => {
  const broken = await swift.call('PUT', '?extract-archive=tar', { body: Buffer.alloc(1024, 'x'), headers: json })
  assert.match(broken.text, /Invalid Tar File/)
  assert.equal((await swift.call('PUT', '?extract-archive=tar.bz2', { body: 'x' })).status, 400)
  const stranger = await swift.call('PUT', '?extract-archive=tar', { token: 'eve', body: archive(), headers: json })
  assert.match(stranger.text, /403 Forbidden/)
  const deletion = await swift.call('POST', '?bulk-delete', { token: '', body: 'c/small', headers: json })
  assert.match(deletion.text, /401 Unauthorized/)
  const own = await swift.call('POST', '?bulk-delete', { body: '', headers: json })
  assert.match(own.text, /Invalid bulk delete/)
})

const content = async (path: string) => (await swift.call('GET', path)).text

test('a stack of versions: each overwriting is kept, each deletion brings the last one back', async () => {
  await swift.call('PUT', 'old')
  assert.equal((await swift.call('PUT', 'new', { headers: { 'x-versions-location': 'old' } })).status, 201)
  assert.equal((await swift.call('HEAD', 'new')).headers['x-versions-location'], 'old')
  for (const body of ['one', 'two', 'three'])
    await swift.call('PUT', 'new/o', { body, headers: { 'x-object-meta-n': body } })
  const kept = await list('old')
  assert.equal(kept.length, 2)
  for (const name of kept) assert.match(name, /^001o\/\d{10}\.\d{5}$/)
  for (const body of ['two', 'one']) {
    assert.equal((await swift.call('DELETE', 'new/o')).status, 204)
    assert.equal(await content('new/o'), body)
    assert.equal((await swift.call('HEAD', 'new/o')).headers['x-object-meta-n'], body)
  }
  assert.deepEqual(await list('old'), [])
  assert.equal((await swift.call('DELETE', 'new/o')).status, 204)
  assert.equal((await swift.call('GET', 'new/o')).status, 404)
})

test('a history: a deletion is kept with what was deleted; who may not write keeps nothing', async () => {
  await swift.call('PUT', 'past')
  await swift.call('PUT', 'now', { headers: { 'x-history-location': 'past' } })
  await swift.call('PUT', 'now/o', { body: 'x' })
  assert.equal((await swift.call('PUT', 'now/o', { token: 'eve', body: 'y' })).status, 403)
  assert.deepEqual(await list('past'), [])
  await swift.call('DELETE', 'now/o')
  const entries = JSON.parse((await swift.call('GET', 'past?format=json')).text) as { content_type: string }[]
  assert.deepEqual(
    entries.map(({ content_type: type }) => type.split(';')[0]),
    ['application/octet-stream', 'application/x-deleted'],
  )
  await swift.call('POST', 'now', { headers: { 'x-remove-history-location': 'x' } })
  assert.equal((await swift.call('HEAD', 'now')).headers['x-history-location'], undefined)
})
